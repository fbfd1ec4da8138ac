/** An RTSP publisher of H.264 and AAC in packets that tests write by hand. */

import { expect } from "vitest";
import { type RtpPlayer, type RtpPublisher, RtpServer, type SentPacket } from "./rtp-session.ts";

/** Main, 64 × 64. */
export const sps = "674d400aeca2136022000003000200000300641e244b2c";
export const pps = "68ce0fc8";
export const stapOfSets: string = `78 ${size(sps)} ${sps} ${size(pps)} ${pps}`;

/** A key frame is the parameter sets and these two packets; another picture has two. */
export const keyStart = "7c85 88aa01";
export const keyEnd = "7c45 02";
export const otherStart = "5c81 9abb01";
export const otherEnd = "5c41 02";

const spropSets = [sps, pps].map((unit) => Uint8Array.fromHex(unit).toBase64()).join(",");

const h264Section = (fmtp = "packetization-mode=1"): string[] => [
  "m=video 0 RTP/AVP 96",
  "a=rtpmap:96 H264/90000",
  `a=fmtp:96 ${fmtp}`,
];
export const aacSection = (payloadType: number): string[] => [
  `m=audio 0 RTP/AVP ${payloadType}`,
  `a=rtpmap:${payloadType} MPEG4-GENERIC/44100/2`,
  `a=fmtp:${payloadType} mode=AAC-hbr; config=1210; sizeLength=13; indexLength=3; indexDeltaLength=3`,
];
export const sdpOf = (...lines: readonly string[]): string => ["v=0", ...lines].join("\r\n");
export const h264: string = sdpOf(...h264Section(), ...aacSection(97));
export const h264WithSets: string = sdpOf(...h264Section(`packetization-mode=1; sprop-parameter-sets=${spropSets}`));

/** A publisher that has sent a key frame with parameter sets in sequence numbers `from` to `from + 2`, and a player of it. */
export function begun(
  sdp: string = h264,
  { from = 65_534, timestamp = 1_000 }: { readonly from?: number; readonly timestamp?: number } = {},
): { readonly server: RtpServer; readonly publisher: RtpPublisher; readonly player: RtpPlayer } {
  const server = new RtpServer();
  const publisher = server.publisher(sdp);
  sendKey(publisher, from, timestamp);
  const player = server.player(publisher.stream);
  player.packets();
  return { server, publisher, player };
}

/** One with a log of its own, because the stream has sound meanwhile. */
export function otherPlayer(server: RtpServer, publisher: RtpPublisher): RtpPlayer {
  publisher.send(1, 1, 0, "0010 0010 2110", { marker: true });
  return server.player(publisher.stream);
}

export function sendKey(publisher: RtpPublisher, from: number, timestamp: number): void {
  publisher.send(0, from, timestamp, stapOfSets);
  publisher.send(0, from + 1, timestamp, keyStart);
  publisher.send(0, from + 2, timestamp, keyEnd, { marker: true });
}

export function sendOther(publisher: RtpPublisher, from: number, timestamp: number): void {
  publisher.send(0, from, timestamp, otherStart);
  publisher.send(0, from + 1, timestamp, otherEnd, { marker: true });
}

export function expectInSequence(sent: readonly SentPacket[], count: number = sent.length): void {
  expect(sent).toHaveLength(count);
  const first = sent[0]?.sequence ?? 0;
  expect(sent.map(({ sequence }) => sequence - first)).toEqual(sent.map((_, at) => at));
}

function size(unit: string): string {
  return (unit.length / 2).toString(16).padStart(4, "0");
}
