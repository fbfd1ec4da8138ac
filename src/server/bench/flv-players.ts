/** HTTP-FLV and WebSocket-FLV players: a request, a response head, and then FLV, plain, in chunks, or in WebSocket messages. */

import { CodedError } from "../../bytes/coded-error.ts";
import type { Connection } from "../../runtime/transport.ts";
import type { FlvAddress } from "./address.ts";
import { ERR_BENCH_CLOSED, ERR_BENCH_FRAMING, ERR_BENCH_HTTP } from "./errors.ts";
import { FlvScanner } from "./flv-scanner.ts";
import { maxHeadBytes } from "./limits.ts";
import type { MediaChecks } from "./media-checks.ts";
import type { PlayerProtocol, PlayerProtocols } from "./player-protocol.ts";

export class FlvPlayers implements PlayerProtocols {
  readonly #scanner: FlvScanner;
  readonly #request: Uint8Array;
  readonly #isWebSocket: boolean;

  constructor({ path, authority, protocol }: FlvAddress, playerCount: number, checks: MediaChecks) {
    this.#scanner = new FlvScanner(playerCount, checks);
    this.#isWebSocket = protocol === "ws-flv";
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: ${authority}`,
      "User-Agent: millrace-bench",
      ...(this.#isWebSocket ? webSocketLines : []),
    ];
    this.#request = new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
  }

  start(player: number, connection: Connection): PlayerProtocol {
    this.#scanner.reset(player);
    connection.send(this.#request);
    return new FlvPlayer(player, connection, this.#scanner, this.#isWebSocket);
  }
}

class FlvPlayer implements PlayerProtocol {
  readonly #player: number;
  readonly #connection: Connection;
  readonly #scanner: FlvScanner;
  readonly #isWebSocket: boolean;
  /** Until the head is whole. */
  #head = "";
  #body: "head" | "plain" | "chunked" | "websocket" = "head";
  /** Of a chunk, or of a WebSocket frame. */
  #left = 0;
  /** The line before a chunk, or the header of a frame, as far as it has come. */
  #header: number[] = [];
  /** Of the frame: 2 or 0 is media. */
  #opcode = 0;
  #control: number[] = [];

  constructor(player: number, connection: Connection, scanner: FlvScanner, isWebSocket: boolean) {
    this.#player = player;
    this.#connection = connection;
    this.#scanner = scanner;
    this.#isWebSocket = isWebSocket;
  }

  handle(bytes: Uint8Array, nowMs: number): void {
    let at = this.#body === "head" ? this.#readHead(bytes) : 0;
    if (this.#body === "plain") this.#scanner.scan(this.#player, bytes, at, bytes.length, nowMs);
    else if (this.#body === "chunked") while (at < bytes.length) at = this.#readChunk(bytes, at, nowMs);
    else if (this.#body === "websocket") while (at < bytes.length) at = this.#readFrame(bytes, at, nowMs);
  }

  /** Returns the offset behind the head, or behind all bytes. */
  #readHead(bytes: Uint8Array): number {
    const before = this.#head.length;
    this.#head += Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, maxHeadBytes)).toString("latin1");
    const end = this.#head.indexOf("\r\n\r\n", Math.max(0, before - 3));
    if (end < 0) {
      if (this.#head.length < maxHeadBytes) return bytes.length;
      throw new CodedError(ERR_BENCH_HTTP, `expected a response head of at most ${maxHeadBytes} bytes`);
    }
    const head = this.#head.slice(0, end);
    this.#head = "";
    const [statusLine = ""] = head.split("\r\n", 1);
    const expected = this.#isWebSocket ? "101" : "200";
    if (!/^HTTP\/1\.[01] \d{3}( |$)/.test(statusLine) || statusLine.slice(9, 12) !== expected) {
      throw new CodedError(
        ERR_BENCH_HTTP,
        `expected status ${expected}, got ${JSON.stringify(statusLine.slice(0, 80))}`,
      );
    }
    if (this.#isWebSocket) this.#body = "websocket";
    else this.#body = /^transfer-encoding: *chunked *$/im.test(head) ? "chunked" : "plain";
    return end + 4 - before;
  }

  /** RFC 9112 §7.1. */
  #readChunk(bytes: Uint8Array, start: number, nowMs: number): number {
    if (this.#left > 0) return this.#readBody(bytes, start, nowMs);
    let at = start;
    while (at < bytes.length) {
      const byte = bytes[at++] as number;
      if (byte !== newline) {
        if (this.#header.push(byte) > maxChunkLineLength) throw torn("a chunk's size, got a long line");
        continue;
      }
      const line = String.fromCharCode(...this.#header).trim();
      this.#header = [];
      if (line === "") continue; // what ends the chunk before
      if (!/^[0-9a-f]{1,8}(;.*)?$/i.test(line)) throw torn(`a chunk's size, got ${JSON.stringify(line)}`);
      this.#left = Number.parseInt(line, 16);
      if (this.#left === 0) throw new CodedError(ERR_BENCH_CLOSED, "the server ended the body");
      return at;
    }
    return at;
  }

  /** RFC 6455 §5.2. */
  #readFrame(bytes: Uint8Array, start: number, nowMs: number): number {
    if (this.#left > 0) return this.#opcode < 8 ? this.#readBody(bytes, start, nowMs) : this.#readControl(bytes, start);
    let at = start;
    while (at < bytes.length) {
      this.#header.push(bytes[at++] as number);
      const [first = 0, second = 0] = this.#header;
      const length = second < 126 ? 2 : second === 126 ? 4 : 10;
      if ((first & 0x70) !== 0 || second > 127) throw torn("a plain frame without a mask");
      if (this.#header.length < length) continue;
      const size = this.#header.slice(2).reduce((sum, byte) => sum * 256 + byte, 0);
      this.#header = [];
      this.#opcode = first & 0x0f;
      this.#left = length === 2 ? second : size;
      if (!knownOpcodes.has(this.#opcode)) throw torn(`a binary message, got opcode ${this.#opcode}`);
      if (this.#opcode === opcodes.close) throw new CodedError(ERR_BENCH_CLOSED, "the server closed the WebSocket");
      if (this.#opcode >= 8 && this.#left > 125) throw torn("at most 125 bytes in a ping");
      if (this.#opcode === opcodes.ping && this.#left === 0) this.#answerPing();
      return at;
    }
    return at;
  }

  #readBody(bytes: Uint8Array, at: number, nowMs: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.#scanner.scan(this.#player, bytes, at, end, nowMs);
    return end;
  }

  #readControl(bytes: Uint8Array, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.#control.push(...bytes.subarray(at, end));
    if (this.#left === 0 && this.#opcode === opcodes.ping) this.#answerPing();
    if (this.#left === 0) this.#control = [];
    return end;
  }

  /** Masked with zeros, which leaves it as it is. */
  #answerPing(): void {
    this.#connection.send(
      Uint8Array.of(0x80 | opcodes.pong, 0x80 | this.#control.length, 0, 0, 0, 0, ...this.#control),
    );
  }
}

function torn(expected: string): CodedError {
  return new CodedError(ERR_BENCH_FRAMING, `the body is torn: expected ${expected}`);
}

const newline = 10;
/** Sizes have up to eight digits; nobody sends extensions. */
const maxChunkLineLength = 256;
const opcodes = { continuation: 0, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const knownOpcodes: ReadonlySet<number> = new Set(Object.values(opcodes));
const webSocketLines: readonly string[] = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  `Sec-WebSocket-Key: ${Buffer.from("millrace's bench").toString("base64")}`,
];
