/** The load generator's scanners under random bytes: pieces make no difference, and RTMP is read as the chunk reader reads it. */

import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { flvHeaderLength, writeFlvHeader } from "../../src/formats/flv/tag.ts";
import { writeRtcp } from "../../src/protocols/rtcp/compound.ts";
import { badChunkCases, chunkCases } from "../../src/protocols/rtmp/chunk-reader.cases.ts";
import { ChunkReader } from "../../src/protocols/rtmp/chunk-reader.ts";
import { messageTypeId, type RtmpMessage } from "../../src/protocols/rtmp/message/message-type.ts";
import { randomPieces, seededRandom } from "../../src/protocols/rtmp/pair.cases.ts";
import { writeInterleaved } from "../../src/protocols/rtsp/interleaved.ts";
import { RtspMessageReader } from "../../src/protocols/rtsp/message-reader.ts";
import type { Connection } from "../../src/runtime/transport.ts";
import { parseBenchAddress } from "../../src/server/bench/address.ts";
import { FlvPlayers } from "../../src/server/bench/flv-players.ts";
import { FlvScanner } from "../../src/server/bench/flv-scanner.ts";
import { MediaChecks } from "../../src/server/bench/media-checks.ts";
import { packetFigures } from "../../src/server/bench/media-verdict.ts";
import { RtmpScanner } from "../../src/server/bench/rtmp-scanner.ts";
import { RtpChecks } from "../../src/server/bench/rtp-checks.ts";
import { RtspScanner } from "../../src/server/bench/rtsp-scanner.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "bench-scanners",
  covers: [
    "src/server/bench/flv-scanner.ts",
    "src/server/bench/rtmp-scanner.ts",
    "src/server/bench/rtsp-scanner.ts",
    "src/server/bench/rtp-checks.ts",
    "src/server/bench/flv-players.ts",
    "src/server/bench/media-checks.ts",
  ],
  corpora: ["rtmp_chunk", "flv", "rtsp_session", "rtsp_message", "rtp", "rtcp"],
  seeds() {
    const header = new Uint8Array(flvHeaderLength + 11);
    header[writeFlvHeader(header, 0, true, true)] = 9;
    const heads = [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nFLV",
      "HTTP/1.1 101 Up\r\n\r\n\u0082\u000dFLV",
    ];
    const chunks = [...chunkCases, ...badChunkCases].map(({ hex }) => Uint8Array.fromHex(hex.replaceAll(" ", "")));
    const packet = writeInterleaved(
      0,
      Uint8Array.of(0x80, 0xe0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 24, 0, 2, 6, 5, 0, 2, 0x65, 1),
    );
    const report = writeInterleaved(3, writeRtcp([{ kind: "receiverReport", ssrc: 1, reports: [] }]));
    const answer = Buffer.from("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nv=0\r\n");
    const rtsp = Uint8Array.of(...packet, ...answer, ...report, ...packet);
    return [
      rtsp,
      header,
      ...heads.map((head) => Uint8Array.from(head, (character) => character.charCodeAt(0))),
      ...chunks,
    ];
  },
  run(bytes) {
    for (const scan of [scanFlv, scanHttp, scanWebSocket, scanRtmp, scanRtsp]) {
      const whole = scan([bytes]);
      const pieces = scan(randomPieces(bytes, seededRandom(bytes.length)));
      assert(whole === pieces, `pieces make a difference: ${whole} in one, ${pieces} in several`);
    }
    compareWithReader(bytes);
    compareWithRtspReader(bytes);
  },
};

const player = 1;

/** What was found, as text; each scan has a row of its own between two others. */
function scanFlv(pieces: Iterable<Uint8Array>): string {
  const checks = new MediaChecks(3, 500);
  const scanner = new FlvScanner(3, checks);
  scanner.reset(player);
  return found(checks, pieces, (piece) => scanner.scan(player, piece, 0, piece.length, 1));
}

function scanHttp(pieces: Iterable<Uint8Array>): string {
  return scanBody("http://a/live/b.flv", pieces);
}

function scanWebSocket(pieces: Iterable<Uint8Array>): string {
  return scanBody("ws://a/live/b.flv", pieces);
}

function scanBody(url: string, pieces: Iterable<Uint8Array>): string {
  const address = parseBenchAddress(url);
  assert(address.protocol !== "rtmp" && address.protocol !== "rtsp", "an address of FLV");
  const checks = new MediaChecks(3, 500);
  let sentBytes = 0;
  const connection = {
    send: (bytes: Uint8Array) => {
      sentBytes += bytes.length;
    },
  } as unknown as Connection;
  const protocol = new FlvPlayers(address, 3, checks).start(player, connection);
  return `${found(checks, pieces, (piece) => protocol.handle(piece, 1))}, ${sentBytes} bytes sent`;
}

function scanRtmp(pieces: Iterable<Uint8Array>): string {
  const checks = new MediaChecks(3, 500);
  const kept: string[] = [];
  const scanner = new RtmpScanner(3, checks, (_player, typeId, payload) => kept.push(`${typeId}:${payload.toHex()}`));
  scanner.reset(player);
  return `${found(checks, pieces, (piece) => scanner.scan(player, piece, 0, piece.length, 1))}, ${kept.join(" ")}`;
}

function scanRtsp(pieces: Iterable<Uint8Array>): string {
  const kept: string[] = [];
  const { checks, packets, scanner } = openRtsp((message) => kept.push(message.toHex()));
  const seen = found(checks, pieces, (piece) => scanner.scan(player, piece, 0, piece.length, 1));
  return `${seen}, ${JSON.stringify(packetFigures(packets))}, ${kept.join(" ")}`;
}

/** What both read without complaint, they read alike: messages byte for byte, and packets by their number. */
function compareWithRtspReader(bytes: Uint8Array): void {
  const reader = new RtspMessageReader({ isLenient: false, isChannel: (channel) => channel < 4 });
  let [messageCount, packetCount, keptCount] = [0, 0, 0];
  const { packets, scanner } = openRtsp(() => keptCount++);
  try {
    reader.handle(bytes);
    for (let item = reader.poll(); item !== undefined; item = reader.poll()) {
      if (item.kind !== "interleaved") messageCount++;
      else if (item.channel % 2 === 0) packetCount++;
    }
    scanner.scan(player, bytes, 0, bytes.length, 1);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return;
  }
  assert(keptCount === messageCount, `${messageCount} messages, and ${keptCount} were kept`);
  // The scanner counts a packet at its head.
  const { packetCount: seen } = packets;
  assert(seen === packetCount || seen === packetCount + 1, `${packetCount} packets, and ${seen} were counted`);
}

/** Two tracks, on channels 0 to 3; any payload type would be refused but 96. */
function openRtsp(onMessage: (message: Uint8Array) => void): {
  checks: MediaChecks;
  packets: RtpChecks;
  scanner: RtspScanner;
} {
  const checks = new MediaChecks(3, 500);
  const packets = new RtpChecks(3, checks);
  const scanner = new RtspScanner(3, packets, (_player, message) => onMessage(message));
  const promised = { payloadType: 96, clockRate: 90_000, marksFrameEnd: true, maxBackMs: 0 } as const;
  scanner.reset(player);
  packets.reset(player);
  packets.setTracks(player, [
    { ...promised, pictures: "h264" },
    { ...promised, pictures: "h265" },
  ]);
  scanner.setChannels(player, [
    { rtp: 0, rtcp: 1 },
    { rtp: 2, rtcp: 3 },
  ]);
  return { checks, packets, scanner };
}

function found(checks: MediaChecks, pieces: Iterable<Uint8Array>, scan: (piece: Uint8Array) => void): string {
  let code = "";
  try {
    for (const piece of pieces) scan(piece);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    ({ code } = error);
  }
  return `${checks.tagCount} tags, ${checks.backwardsCount} back, ${checks.gapCount} gaps ${code}`;
}

/** What both read without complaint, they read alike. */
function compareWithReader(bytes: Uint8Array): void {
  const reader = new ChunkReader();
  const messages: RtmpMessage[] = [];
  const checks = new MediaChecks(3, 500);
  let keptCount = 0;
  const scanner = new RtmpScanner(3, checks, () => keptCount++);
  scanner.reset(player);
  try {
    reader.handle(bytes);
    for (let message = reader.pollMessage(); message !== undefined; message = reader.pollMessage())
      messages.push(message);
    scanner.scan(player, bytes, 0, bytes.length, 1);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return;
  }
  const media = messages.filter(({ type }) => type === "audio" || type === "video").length;
  assert(checks.tagCount === media, `${media} messages of media, and ${checks.tagCount} were counted`);
  const kept = messages.filter(({ typeId }) => typeId < messageTypeId.audio || commandTypes.has(typeId)).length;
  assert(keptCount === kept, `${kept} messages to keep, and ${keptCount} were kept`);
}

const commandTypes: ReadonlySet<number> = new Set([messageTypeId.commandAmf0, messageTypeId.commandAmf3]);
