/** The load generator's scanners under random bytes: pieces make no difference, and RTMP is read as the chunk reader reads it. */

import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { flvHeaderLength, writeFlvHeader } from "../../src/formats/flv/tag.ts";
import { badChunkCases, chunkCases } from "../../src/protocols/rtmp/chunk-reader.cases.ts";
import { ChunkReader } from "../../src/protocols/rtmp/chunk-reader.ts";
import { messageTypeId, type RtmpMessage } from "../../src/protocols/rtmp/message/message-type.ts";
import { randomPieces, seededRandom } from "../../src/protocols/rtmp/pair.cases.ts";
import type { Connection } from "../../src/runtime/transport.ts";
import { parseBenchAddress } from "../../src/server/bench/address.ts";
import { FlvPlayers } from "../../src/server/bench/flv-players.ts";
import { FlvScanner } from "../../src/server/bench/flv-scanner.ts";
import { MediaChecks } from "../../src/server/bench/media-checks.ts";
import { RtmpScanner } from "../../src/server/bench/rtmp-scanner.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "bench-scanners",
  covers: [
    "src/server/bench/flv-scanner.ts",
    "src/server/bench/rtmp-scanner.ts",
    "src/server/bench/flv-players.ts",
    "src/server/bench/media-checks.ts",
  ],
  corpora: ["rtmp_chunk", "flv"],
  seeds() {
    const header = new Uint8Array(flvHeaderLength + 11);
    header[writeFlvHeader(header, 0, true, true)] = 9;
    const heads = [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nFLV",
      "HTTP/1.1 101 Up\r\n\r\n\u0082\u000dFLV",
    ];
    const chunks = [...chunkCases, ...badChunkCases].map(({ hex }) => Uint8Array.fromHex(hex.replaceAll(" ", "")));
    return [header, ...heads.map((head) => Uint8Array.from(head, (character) => character.charCodeAt(0))), ...chunks];
  },
  run(bytes) {
    for (const scan of [scanFlv, scanHttp, scanWebSocket, scanRtmp]) {
      const whole = scan([bytes]);
      const pieces = scan(randomPieces(bytes, seededRandom(bytes.length)));
      assert(whole === pieces, `pieces make a difference: ${whole} in one, ${pieces} in several`);
    }
    compareWithReader(bytes);
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
  assert(address.protocol !== "rtmp", "an address of FLV");
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
