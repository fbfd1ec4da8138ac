/** What the server says: answers with the headers that each has, and those to what was no request at all. */

import type { CodedError } from "../../bytes/coded-error.ts";
import { ERR_RTSP_BODY_TOO_LONG, ERR_RTSP_VERSION } from "./errors.ts";
import type { RtspHeader } from "./message/headers.ts";
import { type RtspHead, type RtspRequest, writeResponse } from "./message/message.ts";
import { parseRange, writeLiveRange } from "./message/range.ts";
import { type RtpInfo, writeRtpInfo } from "./message/rtp-info.ts";
import { type SessionHeader, writeSession } from "./message/session-header.ts";
import type { FirstPacket } from "./server-events.ts";
import { type RtspStatus, reasons, status } from "./status.ts";
import type { SetUpTrack } from "./track-table.ts";
import { contentBaseOf } from "./url.ts";

export function writeAnswer(
  request: RtspRequest,
  code: RtspStatus,
  session: SessionHeader | undefined,
  headers: readonly RtspHeader[],
  body: Uint8Array | undefined,
): Uint8Array {
  const common: RtspHeader[] = [["Server", "Millrace"]];
  if (session !== undefined) common.push(["Session", writeSession(session)]);
  return writeResponse(code, reasons[code], [...cseqOf(request), ...common, ...headers], body);
}

/** The last words to who sent what is no message; `head` as far as there is one. */
export function writeBrokenAnswer(error: CodedError, head: RtspHead | undefined): Uint8Array {
  const code = brokenStatus.get(error.code) ?? status.badRequest;
  return writeResponse(code, reasons[code], head === undefined ? [] : cseqOf(head));
}

/** CSeq with the digits that came; nothing when none did. */
export function cseqOf({ headers }: Pick<RtspHead, "headers">): RtspHeader[] {
  const value = headers.get("cseq");
  return value !== undefined && /^[0-9]{1,10}$/.test(value) ? [["CSeq", value]] : [];
}

/** Beside a description. */
export function descriptionHeaders({ url }: RtspRequest): RtspHeader[] {
  return [
    ["Content-Base", contentBaseOf(url)],
    ["Content-Type", "application/sdp"],
  ];
}

/** Range in the answer to PLAY or RECORD. Errors: ERR_RTSP_HEADER. */
export function liveRange({ headers }: RtspRequest): RtspHeader {
  const value = headers.get("range");
  return ["Range", writeLiveRange(value === undefined ? undefined : parseRange(value))];
}

export function rtpInfoOf(firstPackets: readonly FirstPacket[], tracks: readonly SetUpTrack[]): RtspHeader[] {
  const infos = firstPackets.flatMap(({ trackIndex, sequenceNumber, rtpTime }): RtpInfo[] => {
    const track = tracks.find((each) => each.trackIndex === trackIndex);
    return track === undefined ? [] : [{ url: track.url, sequenceNumber, rtpTime }];
  });
  return infos.length === 0 ? [] : [["RTP-Info", writeRtpInfo(infos)]];
}

/** In Public and Allow. */
export const serverMethods: string =
  "OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, PAUSE, RECORD, TEARDOWN, GET_PARAMETER, SET_PARAMETER";

const brokenStatus: ReadonlyMap<string, RtspStatus> = new Map([
  [ERR_RTSP_VERSION, status.versionNotSupported],
  [ERR_RTSP_BODY_TOO_LONG, status.requestEntityTooLarge],
]);
