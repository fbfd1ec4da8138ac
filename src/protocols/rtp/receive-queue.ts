/**
 * Puts the packets of one source into the order of their sequence numbers: what arrives early waits, bounded in packets, bytes and
 * time, what arrives twice is dropped, and what does not come is reported as lost. Sources that start anew, with other sequence
 * numbers or another SSRC, are believed on their second packet, as in RFC 3550 A.1.
 *
 * The driver calls `poll` until it gives nothing after every `handle`, and once more at `nextTimeout`. Packets that arrive in order
 * are handed through without being copied.
 */

import { assert } from "../../bytes/assert.ts";
import { modulo, wrapDistance } from "../../bytes/wrap.ts";
import {
  defaultReorderDelayMs,
  maxDropout,
  maxMisorder,
  maxMissingPackets,
  maxReorderBytes,
  maxReorderPackets,
} from "./limits.ts";
import { RtpPacket } from "./packet.ts";
import { ReceptionStatistics } from "./reception-statistics.ts";

export interface ReceiveQueueOptions {
  /** Ticks per second of the payload format's clock, for the jitter. */
  readonly clockRate: number;
  /** How long a gap may stay open. 0 for a transport that does not reorder, as TCP. */
  readonly maxDelayMs?: number;
}

export class ReceiveQueue {
  readonly statistics: ReceptionStatistics;
  /** How long a gap may stay open; may be changed at any time. */
  maxDelayMs: number;
  #ssrc = 0;
  #isStarted = false;
  /** Sequence numbers with their wraps: of the packet that is due, and the highest that came. */
  #next = 0;
  #highest = 0;
  /** A packet that came in order and was not polled yet. */
  #direct: RtpPacket | undefined;
  /** What waits behind a gap, in order of arrival. */
  readonly #waiting = new Map<number, WaitingPacket>();
  #waitingBytes = 0;
  /** For each of the newest sequence numbers, modulo the array's length, the one that came last. */
  readonly #seen = new Float64Array(maxMisorder).fill(-1);
  /** The first packet of what may be a new beginning. */
  #suspect: { readonly ssrc: number; readonly nextSequence: number; readonly bytes: Uint8Array } | undefined;
  /** Where the source started anew last: nothing is missing in front of it. */
  #restartAt = -1;
  readonly #polled = new RtpPacket();
  #lostBefore = 0;
  #isRestart = false;
  #lostCount = 0;
  #duplicateCount = 0;
  #lateCount = 0;
  #reorderedCount = 0;
  #restartCount = 0;

  constructor({ clockRate, maxDelayMs = defaultReorderDelayMs }: ReceiveQueueOptions) {
    this.maxDelayMs = maxDelayMs;
    this.statistics = new ReceptionStatistics(clockRate);
  }

  /** The source whose packets come out; undefined before the first. */
  get ssrc(): number | undefined {
    return this.#isStarted ? this.#ssrc : undefined;
  }

  /** Of the packet that was polled last: how many are missing between the one before and it. */
  get lostBefore(): number {
    return this.#lostBefore;
  }

  /** Of the packet that was polled last: the source started anew with it, so its timestamps say nothing about those before. */
  get isRestart(): boolean {
    return this.#isRestart;
  }

  /** Packets that did not come in time; one that comes later is taken off again. */
  get lostCount(): number {
    return this.#lostCount;
  }

  get duplicateCount(): number {
    return this.#duplicateCount;
  }

  /** Packets that came after they had been given up. */
  get lateCount(): number {
    return this.#lateCount;
  }

  /** Packets that came behind one that was sent later, in time or not. */
  get reorderedCount(): number {
    return this.#reorderedCount;
  }

  get restartCount(): number {
    return this.#restartCount;
  }

  /** Takes a parsed packet. Its bytes are valid until the next `handle`: those that have to wait are copied. */
  handle(packet: RtpPacket, nowMs: number): void {
    assert(this.#direct === undefined, "a packet was handled before the one before it was polled");
    if (!this.#isStarted) this.#start(packet);
    const step = wrapDistance(modulo(this.#highest, sequenceCount), packet.sequenceNumber, 16);
    if (packet.ssrc !== this.#ssrc || step > maxDropout || step <= -maxMisorder) {
      this.#handleStranger(packet, nowMs);
      return;
    }
    this.#suspect = undefined;
    this.#accept(packet, this.#highest + step, nowMs);
  }

  /** The next packet in order, valid until the next call of `poll` or `handle`. */
  poll(nowMs: number): RtpPacket | undefined {
    const direct = this.#direct;
    if (direct !== undefined) {
      this.#direct = undefined;
      this.#take(this.#next);
      return direct;
    }
    if (this.#waiting.size === 0) return undefined;
    let sequence = this.#next;
    if (!this.#waiting.has(sequence)) {
      if (!this.#mustGiveUp(nowMs)) return undefined;
      sequence = Math.min(...this.#waiting.keys());
    }
    const { bytes } = this.#waiting.get(sequence) as WaitingPacket;
    this.#waiting.delete(sequence);
    this.#waitingBytes -= bytes.length;
    this.#take(sequence);
    return this.#polled.parse(bytes);
  }

  /**
   * Sequence numbers that are missing and may be asked for again (RFC 4585 §6.2.1), oldest first: what `poll` waits for, and no
   * more than a receiver should ask for before it asks for a key frame instead.
   */
  missing(): readonly number[] {
    const missing: number[] = [];
    // What the source before a restart did not send, it will not send any more.
    const from = Math.max(this.#next, this.#restartAt);
    for (let sequence = from; sequence < this.#highest && missing.length < maxMissingPackets; sequence++) {
      if (!this.#waiting.has(sequence)) missing.push(sequence % sequenceCount);
    }
    return missing;
  }

  /** When `poll` will give up what is missing; undefined when nothing waits. */
  nextTimeout(): number | undefined {
    for (const { arrivedMs } of this.#waiting.values()) return arrivedMs + this.maxDelayMs;
    return undefined;
  }

  #start(packet: RtpPacket): void {
    this.#isStarted = true;
    this.#ssrc = packet.ssrc;
    this.#next = packet.sequenceNumber;
    this.#highest = packet.sequenceNumber - 1;
    this.statistics.start(packet.ssrc, this.#next);
  }

  #accept(packet: RtpPacket, sequence: number, nowMs: number): void {
    if (sequence < this.statistics.firstSequence) {
      this.#lateCount++; // it was sent before the first that came
      return;
    }
    this.statistics.handle(sequence, packet.timestamp, nowMs);
    const slot = sequence % this.#seen.length;
    if (this.#seen[slot] === sequence) {
      this.#duplicateCount++;
      return;
    }
    this.#seen[slot] = sequence;
    if (sequence < this.#highest) this.#reorderedCount++;
    if (sequence < this.#next) {
      this.#lateCount++;
      this.#lostCount--;
      return;
    }
    if (sequence > this.#highest) this.#highest = sequence;
    if (sequence === this.#next && this.#waiting.size === 0) {
      this.#direct = packet;
      return;
    }
    this.#wait(sequence, packet.bytes.slice(), nowMs);
  }

  /** Another SSRC, or a sequence number from nowhere: believed when the next packet goes on with it. */
  #handleStranger(packet: RtpPacket, nowMs: number): void {
    const suspect = this.#suspect;
    const { ssrc, sequenceNumber } = packet;
    if (suspect === undefined || suspect.ssrc !== ssrc || suspect.nextSequence !== sequenceNumber) {
      const nextSequence = (sequenceNumber + 1) % sequenceCount;
      this.#suspect = { ssrc, nextSequence, bytes: packet.bytes.slice() };
      return;
    }
    this.#suspect = undefined;
    this.#restartCount++;
    this.#ssrc = ssrc;
    // Above all that waits, so that it goes out first.
    const wraps = Math.floor(this.#highest / sequenceCount) + 1;
    const first = new RtpPacket().parse(suspect.bytes);
    this.#restartAt = wraps * sequenceCount + first.sequenceNumber;
    this.#highest = this.#restartAt;
    this.statistics.start(ssrc, this.#restartAt);
    this.#seen[this.#restartAt % this.#seen.length] = this.#restartAt;
    this.statistics.handle(this.#restartAt, first.timestamp, nowMs);
    if (this.#waiting.size === 0) this.#next = this.#restartAt;
    this.#wait(this.#restartAt, suspect.bytes, nowMs);
    this.#accept(packet, this.#restartAt + 1, nowMs);
  }

  #wait(sequence: number, bytes: Uint8Array, arrivedMs: number): void {
    this.#waiting.set(sequence, { bytes, arrivedMs });
    this.#waitingBytes += bytes.length;
  }

  #mustGiveUp(nowMs: number): boolean {
    return (
      this.#next <= this.#restartAt ||
      this.#waiting.size >= maxReorderPackets ||
      this.#waitingBytes >= maxReorderBytes ||
      nowMs >= (this.nextTimeout() as number)
    );
  }

  #take(sequence: number): void {
    this.#isRestart = sequence === this.#restartAt;
    this.#lostBefore = this.#isRestart ? 0 : sequence - this.#next;
    this.#lostCount += this.#lostBefore;
    this.#next = sequence + 1;
  }
}

interface WaitingPacket {
  readonly bytes: Uint8Array;
  readonly arrivedMs: number;
}

const sequenceCount = 0x1_0000;
