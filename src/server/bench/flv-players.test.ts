/** Bodies in every form that servers send them in: plain, in chunks, in WebSocket messages; in pieces of every size. */

import { describe, expect, test } from "vitest";
import { flvHeaderLength, writeFlvHeader, writeFlvTagHeader, writeFlvTagTrailer } from "../../formats/flv/tag.ts";
import type { Connection } from "../../runtime/transport.ts";
import { parseBenchAddress } from "./address.ts";
import { FlvPlayers } from "./flv-players.ts";
import { MediaChecks } from "./media-checks.ts";

const tagCount = 30;

describe.each([1, 2, 3, 14, 100, 100_000])("in pieces of %i", (size) => {
  test("a plain body", () => {
    expect(play("http://h/a/b.flv", [text(`${head}\r\n`), ...flv()], size).tagCount).toBe(tagCount);
  });

  test("a body in chunks, and its end", () => {
    const chunks = flv().flatMap((piece, i) => [
      text(`${i === 0 ? "" : "\r\n"}${piece.length.toString(16)}${i === 3 ? ";x=y" : ""}\r\n`),
      piece,
    ]);
    const pieces = [text(`${head}Transfer-Encoding: chunked\r\n\r\n`), ...chunks];
    expect(play("http://h/a/b.flv", pieces, size)).toMatchObject({ tagCount, code: undefined });
    expect(play("http://h/a/b.flv", [...pieces, text("\r\n0\r\n\r\n")], size).code).toBe("ERR_BENCH_CLOSED");
    expect(play("http://h/a/b.flv", [...pieces, text("\r\nno size\r\n")], size).code).toBe("ERR_BENCH_FRAMING");
  });

  test("WebSocket messages, with pings between and inside of them, and the close", () => {
    const frames = flv().flatMap((piece, i) => [
      ...(i === 5 ? [Uint8Array.of(0x89, 2, 7, 8), Uint8Array.of(0x89, 0)] : []),
      ...frame(i === 6 ? 0x02 : i === 7 ? 0x80 : 0x82, piece),
    ]);
    const played = play("ws://h/a/b.flv", [text(`${webSocketHead}\r\n`), ...frames], size);
    expect(played).toMatchObject({ tagCount, code: undefined });
    expect(played.sent.slice(1).map((bytes) => [...bytes])).toEqual([
      [0x8a, 0x82, 0, 0, 0, 0, 7, 8],
      [0x8a, 0x80, 0, 0, 0, 0],
    ]);
    const closed = [text(`${webSocketHead}\r\n`), ...frames, Uint8Array.of(0x88, 2, 3, 232)];
    expect(play("ws://h/a/b.flv", closed, size).code).toBe("ERR_BENCH_CLOSED");
  });

  test.each([
    ["another status", "http://h/a/b.flv", text("HTTP/1.1 404 Not Found\r\n\r\n"), "ERR_BENCH_HTTP"],
    ["a status of its own", "http://h/a/b.flv", text("HTTP/1.1 2000 Fine\r\n\r\n"), "ERR_BENCH_HTTP"],
    ["no HTTP", "http://h/a/b.flv", text("FLV\u0001\u0005\r\n\r\n"), "ERR_BENCH_HTTP"],
    ["a head without an end", "http://h/a/b.flv", text("x".repeat(20_000)), "ERR_BENCH_HTTP"],
    ["media where a WebSocket was asked for", "ws://h/a/b.flv", text(`${head}\r\n`), "ERR_BENCH_HTTP"],
    ["a text message", "ws://h/a/b.flv", Uint8Array.of(...text(`${webSocketHead}\r\n`), 0x81, 1), "ERR_BENCH_FRAMING"],
    [
      "a masked message",
      "ws://h/a/b.flv",
      Uint8Array.of(...text(`${webSocketHead}\r\n`), 0x82, 0x81),
      "ERR_BENCH_FRAMING",
    ],
    [
      "a long ping",
      "ws://h/a/b.flv",
      Uint8Array.of(...text(`${webSocketHead}\r\n`), 0x89, 126, 0, 126),
      "ERR_BENCH_FRAMING",
    ],
  ])("%s", (_what, url, bytes, code) => {
    expect(play(url, [bytes], size).code).toBe(code);
  });
});

test("asks as its address says", () => {
  const [request = new Uint8Array()] = play("http://h:8000/a/b.flv?audio=0", [], 1).sent;
  expect(new TextDecoder().decode(request)).toMatch(/^GET \/a\/b\.flv\?audio=0 HTTP\/1\.1\r\nHost: h:8000\r\n/);
});

interface Played {
  readonly tagCount: number;
  readonly code: string | undefined;
  readonly sent: readonly Uint8Array[];
}

function play(url: string, pieces: readonly Uint8Array[], size: number): Played {
  const address = parseBenchAddress(url);
  if (address.protocol === "rtmp" || address.protocol === "rtsp") throw new Error("an address of FLV");
  const checks = new MediaChecks(2, 500);
  const sent: Uint8Array[] = [];
  const connection = { send: (bytes: Uint8Array) => sent.push(bytes) } as unknown as Connection;
  const player = new FlvPlayers(address, 2, checks).start(1, connection);
  const bytes = Uint8Array.from(pieces.flatMap((piece) => [...piece]));
  let code: string | undefined;
  try {
    for (let at = 0; at < bytes.length; at += size) player.handle(bytes.subarray(at, at + size), 1);
  } catch (error) {
    ({ code } = error as { code: string });
  }
  return { tagCount: checks.tagCount, code, sent };
}

/** The file's header, then a piece for each tag. */
function flv(): Uint8Array[] {
  const header = new Uint8Array(flvHeaderLength);
  writeFlvHeader(header, 0, false, true);
  const tags = Array.from({ length: tagCount }, (_, i) => {
    const length = i === 10 ? 70_000 : 50 + i * 7;
    const tag = new Uint8Array(15 + length).fill(1);
    writeFlvTagHeader(tag, 0, 9, length, i * 40);
    writeFlvTagTrailer(tag, 11 + length, length);
    return tag;
  });
  return [header, ...tags];
}

function frame(first: number, payload: Uint8Array): Uint8Array[] {
  const { length } = payload;
  if (length < 126) return [Uint8Array.of(first, length), payload];
  if (length < 65_536) return [Uint8Array.of(first, 126, length >> 8, length), payload];
  return [Uint8Array.of(first, 127, 0, 0, 0, 0, length >> 24, length >> 16, length >> 8, length), payload];
}

function text(value: string): Uint8Array {
  return Uint8Array.from(value, (character) => character.charCodeAt(0));
}

const head = "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\n";
const webSocketHead = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n";
