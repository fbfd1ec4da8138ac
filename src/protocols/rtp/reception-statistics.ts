/** What a receiver reports about one source: RFC 3550 A.3 (losses) and A.8 (jitter). */

import { wrapDistance } from "../../bytes/wrap.ts";

/** What a report block of RTCP holds (RFC 3550 §6.4.1), field by field. */
export interface ReceptionReport {
  readonly ssrc: number;
  /** Lost since the last report, in 256ths. */
  readonly fractionLost: number;
  /** Packets, since the beginning; below zero when there were more duplicates than losses. */
  readonly totalLost: number;
  readonly highestSequence: number;
  /** In ticks of the payload format's clock. */
  readonly jitter: number;
  readonly lastSenderReport: number;
  /** In 2^-16 s. */
  readonly delay: number;
}

export class ReceptionStatistics {
  readonly #clockRate: number;
  #ssrc = 0;
  #firstSequence = 0;
  #highestSequence = 0;
  #receivedCount = 0;
  #expectedBefore = 0;
  #receivedBefore = 0;
  /** Of the last packet; the jitter is about the differences between such pairs. */
  #lastTimestamp = 0;
  #lastArrivedMs = 0;
  #jitterTicks = 0;
  #lossFraction = 0;
  #lastSenderReport: { readonly compactNtp: number; readonly arrivedMs: number } | undefined;

  /** @param clockRate ticks per second of the timestamps */
  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  /** The sequence number, wraps included, of the source's first packet. */
  get firstSequence(): number {
    return this.#firstSequence;
  }

  /** The share of packets that was lost between the last two reports, from 0 to 1. */
  get lossFraction(): number {
    return this.#lossFraction;
  }

  get jitterMs(): number {
    return (this.#jitterTicks * 1_000) / this.#clockRate;
  }

  /** A source begins, or begins anew. */
  start(ssrc: number, firstSequence: number): void {
    this.#ssrc = ssrc;
    this.#firstSequence = firstSequence;
    this.#highestSequence = firstSequence;
    this.#receivedCount = 0;
    this.#expectedBefore = 0;
    this.#receivedBefore = 0;
    this.#jitterTicks = 0;
    this.#lossFraction = 0;
    this.#lastSenderReport = undefined;
  }

  /** Each packet, duplicates and late ones included, in order of arrival; none from before the first. `sequence` has its wraps. */
  handle(sequence: number, timestamp: number, nowMs: number): void {
    if (sequence > this.#highestSequence) this.#highestSequence = sequence;
    if (this.#receivedCount++ > 0) this.#updateJitter(timestamp, nowMs);
    this.#lastTimestamp = timestamp;
    this.#lastArrivedMs = nowMs;
  }

  /** @param compactNtp the middle 32 bits of the report's NTP time */
  handleSenderReport(compactNtp: number, nowMs: number): void {
    this.#lastSenderReport = { compactNtp, arrivedMs: nowMs };
  }

  /** The block for the next report; its fraction is about the time since the last call. */
  report(nowMs: number): ReceptionReport {
    const expected = this.#receivedCount === 0 ? 0 : this.#highestSequence - this.#firstSequence + 1;
    const expectedNow = expected - this.#expectedBefore;
    const lostNow = expectedNow - (this.#receivedCount - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = this.#receivedCount;
    const lost = expected - this.#receivedCount;
    this.#lossFraction = expectedNow > 0 ? Math.max(lostNow / expectedNow, 0) : 0;
    const senderReport = this.#lastSenderReport;
    const delayMs = senderReport === undefined ? 0 : nowMs - senderReport.arrivedMs;
    return {
      ssrc: this.#ssrc,
      fractionLost: Math.min(Math.floor(this.#lossFraction * 256), 255),
      totalLost: Math.min(Math.max(lost, -0x80_0000), 0x7f_ffff),
      highestSequence: this.#highestSequence % 0x1_0000_0000,
      jitter: Math.floor(this.#jitterTicks),
      lastSenderReport: senderReport?.compactNtp ?? 0,
      delay: Math.min(Math.round((delayMs * 0x1_0000) / 1_000), 0xffff_ffff),
    };
  }

  #updateJitter(timestamp: number, nowMs: number): void {
    const sentTicks = wrapDistance(this.#lastTimestamp, timestamp, 32);
    const arrivedTicks = ((nowMs - this.#lastArrivedMs) * this.#clockRate) / 1_000;
    const difference = Math.abs(arrivedTicks - sentTicks);
    // A sender that pauses, or jumps in time, is no jitter of the network.
    if (difference > maxJitterSeconds * this.#clockRate) return;
    this.#jitterTicks += (difference - this.#jitterTicks) / 16;
  }
}

const maxJitterSeconds = 5;
