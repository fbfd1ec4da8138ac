/**
 * What the server tells its peer about streams: results, errors, status messages and the sequences of them that clients wait
 * for. Order and codes are Flash Media Server's, which FFmpeg, librtmp, OBS, GStreamer and VLC were written against.
 */

import { type AmfValue, makeAmfObject } from "../../formats/amf/amf-value.ts";
import type { RtmpLink } from "./link.ts";
import { connectCode, playCode, publishCode } from "./status.ts";

export type StatusLevel = "status" | "error";

/** `_result` with an optional value; nothing when the transaction id is 0, because then nobody waits. */
export function sendResult(link: RtmpLink, messageStreamId: number, transactionId: number, value?: AmfValue): void {
  if (transactionId !== 0) link.sendCommand(messageStreamId, "_result", transactionId, null, value);
}

/** `_error` for a command that wants an answer, else a status message. */
export function sendError(
  link: RtmpLink,
  messageStreamId: number,
  transactionId: number,
  code: string,
  description: string,
): void {
  if (transactionId === 0) sendStatus(link, messageStreamId, "error", code, description);
  else link.sendCommand(messageStreamId, "_error", transactionId, null, information("error", code, description));
}

export function sendStatus(
  link: RtmpLink,
  messageStreamId: number,
  level: StatusLevel,
  code: string,
  description: string,
): void {
  link.sendCommand(messageStreamId, "onStatus", 0, null, information(level, code, description));
}

/** The notices of Flash Media Live Encoder's commands; librtmp and FFmpeg expect them from a server that knows those. */
export function sendFcNotice(
  link: RtmpLink,
  name: "onFCPublish" | "onFCUnpublish" | "onFCSubscribe",
  code: string,
  description: string,
): void {
  link.sendCommand(0, name, 0, null, information("status", code, description));
}

export function sendPublishStart(link: RtmpLink, messageStreamId: number, name: string, wantsFcNotice: boolean): void {
  if (wantsFcNotice) sendFcNotice(link, "onFCPublish", publishCode.start, name);
  link.sendUserControl({ event: "stream-begin", messageStreamId });
  sendStatus(link, messageStreamId, "status", publishCode.start, `${name} is now published.`);
}

export function sendPlayStart(
  link: RtmpLink,
  messageStreamId: number,
  name: string,
  wantsReset: boolean,
  description: string = `Started playing ${name}.`,
): void {
  link.sendUserControl({ event: "stream-begin", messageStreamId });
  if (wantsReset) sendStatus(link, messageStreamId, "status", playCode.reset, `Playing and resetting ${name}.`);
  sendStatus(link, messageStreamId, "status", playCode.start, description);
  // Flash shows nothing of the media to scripts without it; the others ignore it.
  link.sendData(messageStreamId, "|RtmpSampleAccess", true, true);
  // A command, not the data message of Flash Media Server, out of which FFmpeg makes a stream of unknown data.
  sendStatus(link, messageStreamId, "status", playCode.dataStart, "Started playing data.");
}

export function sendPlayEnd(link: RtmpLink, messageStreamId: number, name: string): void {
  link.sendUserControl({ event: "stream-eof", messageStreamId });
  sendStatus(link, messageStreamId, "status", playCode.unpublishNotify, `${name} is no longer published.`);
  link.sendData(messageStreamId, "onPlayStatus", information("status", playCode.complete, `${name} has ended.`));
  sendStatus(link, messageStreamId, "status", playCode.stop, `Stopped playing ${name}.`);
}

/** E-RTMP v2, "Reconnect Request". Without `tcUrl` the peer is to come back to the address it used. */
export function sendReconnectRequest(link: RtmpLink, request: { tcUrl?: string; description?: string }): void {
  const { tcUrl, description = "The server asks to reconnect." } = request;
  const fields = { level: "status", code: connectCode.reconnectRequest, description };
  link.sendCommand(0, "onStatus", 0, null, makeAmfObject(tcUrl === undefined ? fields : { ...fields, tcUrl }));
}

function information(level: StatusLevel, code: string, description: string): AmfValue {
  return makeAmfObject({ level, code, description });
}
