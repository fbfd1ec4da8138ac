/**
 * The server's side of an open WebSocket whose client only listens: RFC 6455 §5 and §7. Messages of the client are read over;
 * pings are answered, a close is answered, and what breaks the protocol ends it. What the server sends to its player does not
 * pass through here: the frames are in the egress log.
 */

import { assert } from "../../bytes/assert.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { Fifo } from "../fifo.ts";
import { ERR_WEBSOCKET_FRAME, ERR_WEBSOCKET_TOO_LONG } from "./errors.ts";
import { maxControlBytes, maxMessageBytes } from "./limits.ts";

/** Status codes of §7.4.1. */
export const closeStatus = { normal: 1000, goingAway: 1001, protocolError: 1002, tooLong: 1009 } as const;

export class WebSocketSession {
  readonly #output = new Fifo<Uint8Array>();
  /** The header of the frame that is being read, and behind it the payload of a control frame. Players hardly ever send one. */
  #frame: Uint8Array | undefined;
  #headerLength = 0;
  #opcode = 0;
  #payloadLength = -1;
  #payloadRead = 0;
  #maskAt = 0;
  /** Bytes of the message that its frames have brought so far; -1: no message is begun. */
  #messageBytes = -1;
  /** Checks the text of a message, §8.1; undefined while it is none. */
  #text: TextDecoder | undefined;
  #state: "open" | "closing" | "closed" = "open";
  #error: CodedError | undefined;

  /** Both sides have said goodbye, or the client broke the protocol: send what waits, then close the connection. */
  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** What the client did wrong, if that is why. */
  get error(): CodedError | undefined {
    return this.#error;
  }

  /** Takes bytes of the client; they are not kept. Its mistakes never throw: they close the session. */
  handle(bytes: Uint8Array): void {
    let at = 0;
    try {
      while (at < bytes.length && this.#state !== "closed") {
        at = this.#payloadLength < 0 ? this.#readHeader(bytes, at) : this.#readPayload(bytes, at);
      }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#error = error;
      this.#sendClose(error.code === ERR_WEBSOCKET_TOO_LONG ? closeStatus.tooLong : closeStatus.protocolError);
      this.#state = "closed";
    }
  }

  /** Says goodbye from our side; the client's answer closes it. */
  close(status: number): void {
    if (this.#state !== "open") return;
    this.#sendClose(status);
    this.#state = "closing";
  }

  pollOutput(): Uint8Array | undefined {
    return this.#output.shift();
  }

  get #header(): Uint8Array {
    assert(this.#frame !== undefined, "a frame has begun");
    return this.#frame;
  }

  /** Where the payload of a control frame is kept. */
  get #control(): Uint8Array {
    return this.#header.subarray(maxClientHeaderLength);
  }

  #readHeader(bytes: Uint8Array, start: number): number {
    let at = start;
    this.#frame ??= new Uint8Array(maxClientHeaderLength + maxControlBytes);
    while (at < bytes.length) {
      this.#frame[this.#headerLength++] = bytes[at++] as number;
      if (this.#headerLength === this.#expectedHeaderLength()) {
        this.#beginFrame();
        return this.#payloadLength === 0 ? this.#readPayload(bytes, at) : at;
      }
    }
    return at;
  }

  /** With the mask's four bytes; what is not known yet counts as the least. */
  #expectedHeaderLength(): number {
    if (this.#headerLength < 2) return 2 + 4;
    if (((this.#header[1] as number) & 0x80) === 0) throw broken("a mask on every frame of a client");
    const length = (this.#header[1] as number) & 0x7f;
    return 2 + 4 + (length === 126 ? 2 : length === 127 ? 8 : 0);
  }

  #beginFrame(): void {
    const [first = 0, second = 0] = this.#header;
    if ((first & 0x70) !== 0) throw broken("no reserved bit");
    this.#opcode = first & 0x0f;
    const isFinal = (first & 0x80) !== 0;
    const length = this.#declaredLength(second & 0x7f);
    this.#maskAt = this.#headerLength - 4;
    switch (this.#opcode) {
      case opcodes.close:
      case opcodes.ping:
      case opcodes.pong:
        if (!isFinal || length > maxControlBytes) throw broken("a control frame in one piece of at most 125 bytes");
        break;
      case opcodes.text:
      case opcodes.binary:
        if (this.#messageBytes >= 0) throw broken("the rest of a message before the next one");
        this.#messageBytes = 0;
        this.#text = this.#opcode === opcodes.text ? new TextDecoder("utf-8", { fatal: true }) : undefined;
        this.#countMessage(length, isFinal);
        break;
      case opcodes.continuation:
        if (this.#messageBytes < 0) throw broken("a message before its continuation");
        this.#countMessage(length, isFinal);
        break;
      default:
        throw broken(`an opcode that is assigned, got ${this.#opcode}`);
    }
    this.#payloadLength = length;
    this.#payloadRead = 0;
  }

  #declaredLength(short: number): number {
    const header = this.#header;
    if (short < 126) return short;
    if (short === 126) return ((header[2] as number) << 8) | (header[3] as number);
    // Eight bytes; the upper ones make it too long in any case.
    for (let i = 2; i < 8; i++) if (header[i] !== 0) throw tooLong();
    return ((header[8] as number) << 8) | (header[9] as number);
  }

  #countMessage(length: number, isFinal: boolean): void {
    this.#messageBytes += length;
    if (this.#messageBytes > maxMessageBytes) throw tooLong();
    if (isFinal) this.#messageBytes = -1;
  }

  #readPayload(bytes: Uint8Array, start: number): number {
    const count = Math.min(bytes.length - start, this.#payloadLength - this.#payloadRead);
    if (this.#opcode >= opcodes.close) this.#unmask(bytes, start, count, this.#control.subarray(this.#payloadRead));
    else if (this.#text !== undefined) this.#checkText(this.#text, bytes, start, count);
    this.#payloadRead += count;
    if (this.#payloadRead === this.#payloadLength) this.#endFrame();
    return start + count;
  }

  #unmask(bytes: Uint8Array, start: number, count: number, target: Uint8Array): void {
    const header = this.#header;
    for (let i = 0; i < count; i++) {
      const mask = header[this.#maskAt + ((this.#payloadRead + i) & 3)] as number;
      target[i] = (bytes[start + i] as number) ^ mask;
    }
  }

  #checkText(decoder: TextDecoder, bytes: Uint8Array, start: number, count: number): void {
    const piece = new Uint8Array(count);
    this.#unmask(bytes, start, count, piece);
    const isEnd = this.#messageBytes < 0 && this.#payloadRead + count === this.#payloadLength;
    try {
      decoder.decode(piece, { stream: !isEnd });
    } catch {
      throw broken("text in UTF-8");
    }
  }

  #endFrame(): void {
    const payload = this.#control.subarray(0, this.#payloadLength);
    this.#frame = undefined;
    this.#headerLength = 0;
    this.#payloadLength = -1;
    if (this.#messageBytes < 0) this.#text = undefined;
    switch (this.#opcode) {
      case opcodes.ping:
        if (this.#state === "open") this.#send(opcodes.pong, payload);
        break;
      case opcodes.close:
        // The client's own status goes back to it, §5.5.1.
        if (this.#state === "open") this.#send(opcodes.close, payload.subarray(0, 2));
        this.#state = "closed";
        break;
      default:
        break; // pongs, and messages, which nobody asked for
    }
  }

  #sendClose(status: number): void {
    if (this.#state === "open") this.#send(opcodes.close, Uint8Array.of(status >> 8, status));
  }

  #send(opcode: number, payload: Uint8Array): void {
    const frame = new Uint8Array(2 + payload.length);
    frame[0] = 0x80 | opcode;
    frame[1] = payload.length;
    frame.set(payload, 2);
    this.#output.push(frame);
  }
}

function broken(expected: string): CodedError {
  return new CodedError(ERR_WEBSOCKET_FRAME, `the client broke the WebSocket protocol: expected ${expected}`);
}

function tooLong(): CodedError {
  return new CodedError(ERR_WEBSOCKET_TOO_LONG, `expected WebSocket messages of at most ${maxMessageBytes} bytes`);
}

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Two bytes, eight of length, four of mask. */
const maxClientHeaderLength = 14;
