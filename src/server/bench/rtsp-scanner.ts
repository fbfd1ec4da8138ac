/**
 * RTSP over TCP of thousands of players, read over: interleaved packets (RFC 2326 §10.12) are checked and not kept, messages are
 * handed out whole. The rules are stricter than those of protocols/rtsp/message-reader.ts, which forgives cameras: a byte that
 * begins neither, or a packet on a channel that nobody has set up, is what a torn stream looks like.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { interleavedHeaderLength, interleavedMagic } from "../../protocols/rtsp/interleaved.ts";
import { ERR_BENCH_FRAMING } from "./errors.ts";
import { maxKeptMessageBytes, maxRtspMessageBytes, tracksPerPlayer } from "./limits.ts";
import { packetHeadBytes, type RtpChecks } from "./rtp-checks.ts";

/** A whole message of the server's; `bytes` are the receiver's own. */
export type HandleRtspMessage = (player: number, bytes: Uint8Array, nowMs: number) => void;

/** The channels of a track. */
export interface TrackChannels {
  readonly rtp: number;
  readonly rtcp: number;
}

export class RtspScanner {
  readonly #packets: RtpChecks;
  readonly #onMessage: HandleRtspMessage;
  // A row for each player.
  /** Bytes of a packet that are still to come, behind its head. */
  readonly #left: Uint16Array;
  /** Where those belong: a track's row, or nobody. */
  readonly #row: Int32Array;
  /** The start of a packet whose rest has not come yet. */
  readonly #heads: Uint8Array;
  readonly #headLength: Uint8Array;
  readonly #trackCount: Uint8Array;
  // A row for each track of each player.
  readonly #rtpChannel: Uint8Array;
  readonly #rtcpChannel: Uint8Array;
  /** RTCP packets and messages on their way, by player. Few, and short. */
  readonly #reports = new Map<number, { readonly bytes: Uint8Array; length: number }>();
  readonly #messages = new Map<number, PartialMessage>();

  constructor(playerCount: number, packets: RtpChecks, onMessage: HandleRtspMessage) {
    this.#packets = packets;
    this.#onMessage = onMessage;
    this.#left = new Uint16Array(playerCount);
    this.#row = new Int32Array(playerCount);
    this.#heads = new Uint8Array(playerCount * headBytes);
    this.#headLength = new Uint8Array(playerCount);
    this.#trackCount = new Uint8Array(playerCount);
    this.#rtpChannel = new Uint8Array(playerCount * tracksPerPlayer);
    this.#rtcpChannel = new Uint8Array(playerCount * tracksPerPlayer);
  }

  /** The row is somebody else's from now on, who has just connected. */
  reset(player: number): void {
    this.#left[player] = 0;
    this.#headLength[player] = 0;
    this.#trackCount[player] = 0;
    this.#reports.delete(player);
    this.#messages.delete(player);
  }

  /** From now on packets come on these channels, and on no others; before that they are passed over. */
  setChannels(player: number, channels: readonly TrackChannels[]): void {
    this.#trackCount[player] = channels.length;
    for (const [i, { rtp, rtcp }] of channels.entries()) {
      this.#rtpChannel[player * tracksPerPlayer + i] = rtp;
      this.#rtcpChannel[player * tracksPerPlayer + i] = rtcp;
    }
  }

  /** Reads `bytes[start, end)` over. Errors: ERR_BENCH_FRAMING, and those of RtpChecks; after one the row is of no more use. */
  scan(player: number, bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    let at = start;
    while (at < end) {
      if ((this.#left[player] as number) > 0) at = this.#scanRest(player, bytes, at, end, nowMs);
      else if ((this.#headLength[player] as number) > 0) at = this.#scanHead(player, bytes, at, end, nowMs);
      else if (bytes[at] === interleavedMagic && !this.#messages.has(player))
        at = this.#scanPacket(player, bytes, at, end, nowMs);
      else at = this.#scanMessage(player, bytes, at, end, nowMs);
    }
  }

  #scanPacket(player: number, bytes: Uint8Array, at: number, end: number, nowMs: number): number {
    if (end - at >= interleavedHeaderLength) {
      const head = at + interleavedHeaderLength + Math.min(lengthAt(bytes, at), packetHeadBytes);
      if (head <= end) {
        this.#begin(player, bytes, at, head, nowMs);
        return head;
      }
    }
    return this.#scanHead(player, bytes, at, end, nowMs);
  }

  /** Rare: once for each piece of input at most. */
  #scanHead(player: number, bytes: Uint8Array, start: number, end: number, nowMs: number): number {
    const row = player * headBytes;
    let held = this.#headLength[player] as number;
    let at = start;
    for (let wanted = interleavedHeaderLength; ; ) {
      if (held >= interleavedHeaderLength)
        wanted = interleavedHeaderLength + Math.min(lengthAt(this.#heads, row), packetHeadBytes);
      if (held === wanted) break;
      if (at === end) {
        this.#headLength[player] = held;
        return at;
      }
      this.#heads[row + held++] = bytes[at++] as number;
    }
    this.#headLength[player] = 0;
    this.#begin(player, this.#heads, row, row + held, nowMs);
    return at;
  }

  /** The head of a packet is here: its interleaved header and its first bytes. */
  #begin(player: number, bytes: Uint8Array, at: number, end: number, nowMs: number): void {
    const length = lengthAt(bytes, at);
    const channel = bytes[at + 1] as number;
    const packetAt = at + interleavedHeaderLength;
    const left = length - (end - packetAt);
    this.#left[player] = left;
    this.#row[player] = nobody;
    const first = player * tracksPerPlayer;
    const trackCount = this.#trackCount[player] as number;
    for (let row = first; row < first + trackCount; row++) {
      if (this.#rtpChannel[row] === channel) {
        this.#row[player] = row;
        this.#packets.begin(player, row, bytes, packetAt, end, length, nowMs);
        if (left === 0) this.#packets.end(player, row, nowMs);
        return;
      }
      if (this.#rtcpChannel[row] === channel) {
        this.#beginReport(player, row, bytes.slice(packetAt, end), length);
        return;
      }
    }
    if (trackCount > 0) throw torn("a channel that was set up", `channel ${channel}`);
  }

  #beginReport(player: number, row: number, start: Uint8Array, length: number): void {
    if (start.length === length) {
      this.#packets.handleRtcp(row, start);
      return;
    }
    if (length > maxKeptMessageBytes) throw torn(`at most ${maxKeptMessageBytes} bytes of RTCP`, `${length}`);
    const bytes = new Uint8Array(length);
    bytes.set(start);
    this.#reports.set(player, { bytes, length: start.length });
    this.#row[player] = row;
  }

  #scanRest(player: number, bytes: Uint8Array, at: number, end: number, nowMs: number): number {
    const count = Math.min(this.#left[player] as number, end - at);
    const left = (this.#left[player] as number) - count;
    const row = this.#row[player] as number;
    this.#left[player] = left;
    const report = this.#reports.size > 0 ? this.#reports.get(player) : undefined;
    if (report !== undefined) {
      report.bytes.set(bytes.subarray(at, at + count), report.length);
      report.length += count;
      if (left > 0) return at + count;
      this.#reports.delete(player);
      this.#packets.handleRtcp(row, report.bytes);
    } else if (left === 0 && row !== nobody) {
      this.#packets.end(player, row, nowMs);
    }
    return at + count;
  }

  /** Reads one message, or a part of it, up to its end. */
  #scanMessage(player: number, bytes: Uint8Array, start: number, end: number, nowMs: number): number {
    let message = this.#messages.get(player);
    let at = start;
    if (message === undefined) {
      const byte = bytes[at] as number;
      if (byte === carriageReturn || byte === lineFeed) return at + 1; // RFC 2326 §4.1 lets them stand between messages
      if (byte < letterA || byte > letterZ) throw torn('"$" or a message', `byte ${byte}`);
      message = new PartialMessage();
      this.#messages.set(player, message);
    }
    at += message.handle(bytes, at, end);
    if (!message.isWhole) return at;
    this.#messages.delete(player);
    this.#onMessage(player, message.bytes(), nowMs);
    return at;
  }
}

/** A message on its way: head up to the empty line, then a body of its Content-Length. */
class PartialMessage {
  #bytes = new Uint8Array(512);
  #length = 0;
  /** Of all of it; 0: not known before the head is here. */
  #wanted = 0;

  get isWhole(): boolean {
    return this.#wanted > 0 && this.#length === this.#wanted;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Takes bytes of `bytes[start, end)`; returns how many. */
  handle(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (this.#wanted === 0 && at < end) {
      this.#reserve(1);
      this.#bytes[this.#length++] = bytes[at++] as number;
      if (this.#endsHead()) this.#wanted = this.#length + this.#contentLength();
    }
    if (this.#wanted === 0) return at - start;
    const count = Math.min(this.#wanted - this.#length, end - at);
    this.#reserve(count);
    this.#bytes.set(bytes.subarray(at, at + count), this.#length);
    this.#length += count;
    return at + count - start;
  }

  /** An empty line, ended in either way. */
  #endsHead(): boolean {
    const end = this.#length;
    if (this.#bytes[end - 1] !== lineFeed) return false;
    return (
      this.#bytes[end - 2] === lineFeed ||
      (this.#bytes[end - 2] === carriageReturn && this.#bytes[end - 3] === lineFeed)
    );
  }

  #contentLength(): number {
    const head = Buffer.from(this.#bytes.buffer, 0, this.#length).toString("latin1");
    const length = Number(/^content-length *: *(\d{1,9}) *\r?$/im.exec(head)?.[1] ?? 0);
    if (length > maxRtspMessageBytes) throw torn(`a body of at most ${maxRtspMessageBytes} bytes`, `${length}`);
    return length;
  }

  #reserve(count: number): void {
    const wanted = this.#length + count;
    if (wanted <= this.#bytes.length) return;
    if (wanted > 2 * maxRtspMessageBytes) throw torn(`at most ${maxRtspMessageBytes} bytes of headers`, "more");
    const grown = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
}

function torn(expected: string, got: string): CodedError {
  return new CodedError(ERR_BENCH_FRAMING, `the RTSP stream is torn: expected ${expected}, got ${got}`);
}

const headBytes: number = interleavedHeaderLength + packetHeadBytes;
const nobody = -1;
const carriageReturn = 13;
const lineFeed = 10;
const letterA = 0x41;
const letterZ = 0x5a;
