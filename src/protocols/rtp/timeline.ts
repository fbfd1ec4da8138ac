/**
 * Puts the timestamps of a session's tracks on one timeline, each in ticks of its own clock: 0 is the arrival of the session's
 * first packet.
 *
 * Timestamps start anywhere and wrap after 2^32. A track's first packet is placed by its arrival; from there on the sender's clock
 * counts, so that one that drifts keeps its rate, and jitter does not get into the media's time. Sender reports say how the clocks
 * of the tracks belong together (RFC 3550 §6.4.1): what they correct is spread over time, so that no frame jumps.
 */

import { wrapDistance } from "../../bytes/wrap.ts";

/** The same moment twice, as a sender report of RTCP has it: in NTP's format and in a track's timestamps. */
export interface SenderTime {
  readonly ntp: { readonly seconds: number; readonly fraction: number };
  readonly rtpTimestamp: number;
}

export class RtpTimeline {
  #originMs: number | undefined;
  /** The first track with a sender report: the others are put in step with it. */
  #reference: RtpTrackClock | undefined;

  /** @param clockRate ticks per second */
  openTrack(clockRate: number): RtpTrackClock {
    return new RtpTrackClock(clockRate, this);
  }

  /** @internal The time since the session's first packet. */
  elapsedMs(nowMs: number): number {
    this.#originMs ??= nowMs;
    return nowMs - this.#originMs;
  }

  /** @internal */
  referenceFor(track: RtpTrackClock): RtpTrackClock {
    this.#reference ??= track;
    return this.#reference;
  }
}

export class RtpTrackClock {
  readonly #clockRate: number;
  readonly #timeline: RtpTimeline;
  /** The sender's clock is placed. After a restart it isn't, and the track has had frames none the less. */
  #isStarted = false;
  #hasFrames = false;
  /** Of the last packet: its timestamp as it came, its ticks without correction, its arrival on the timeline. */
  #lastTimestamp = 0;
  #lastTicks = 0;
  #lastElapsedMs = 0;
  /** From ticks as the sender counts them to those of the timeline, as far as reports told, and how much of it is applied. */
  #wantedCorrection = 0;
  #correction = 0;
  /** Milliseconds of NTP minus those of the track, without correction. */
  #ntpOffsetMs: number | undefined;
  /** A report that came before the first packet. */
  #earlyReport: { readonly ntpMs: number; readonly rtpTimestamp: number } | undefined;

  constructor(clockRate: number, timeline: RtpTimeline) {
    this.#clockRate = clockRate;
    this.#timeline = timeline;
  }

  /** Where `timestamp`, which came at `nowMs`, stands on the timeline: whole ticks. Decreases where timestamps do (B-frames). */
  ticksOf(timestamp: number, nowMs: number): number {
    const elapsedMs = this.#timeline.elapsedMs(nowMs);
    if (!this.#isStarted) {
      this.#begin(timestamp, Math.round((elapsedMs * this.#clockRate) / 1_000), elapsedMs);
      return this.#ticks();
    }
    const step = wrapDistance(this.#lastTimestamp, timestamp, 32);
    const elapsedTicks = ((elapsedMs - this.#lastElapsedMs) * this.#clockRate) / 1_000;
    if (step < -maxStepBackSeconds * this.#clockRate || step > elapsedTicks + maxStepSeconds * this.#clockRate) {
      // Another clock: it goes on as much later as its packet came.
      this.#ntpOffsetMs = undefined;
      this.#begin(timestamp, this.#ticks() + Math.round(elapsedTicks), elapsedMs);
    } else {
      this.#slew(step);
      this.#lastTimestamp = timestamp;
      this.#lastTicks += step;
      this.#lastElapsedMs = elapsedMs;
    }
    return this.#ticks();
  }

  /** A sender report of the track's source. */
  handleSenderReport({ ntp, rtpTimestamp }: SenderTime): void {
    const ntpMs = ntp.seconds * 1_000 + ntp.fraction / fractionsPerMs;
    if (ntpMs === 0) return; // §6.4.1: the sender has no notion of wall clock
    if (this.#isStarted) this.#relate(ntpMs, rtpTimestamp);
    else this.#earlyReport = { ntpMs, rtpTimestamp };
  }

  /** The source started anew: its next timestamp says nothing about the last one. */
  restart(): void {
    this.#isStarted = false;
    this.#ntpOffsetMs = undefined;
    this.#earlyReport = undefined;
  }

  #begin(timestamp: number, ticks: number, elapsedMs: number): void {
    this.#lastTicks = this.#hasFrames ? Math.max(ticks, this.#ticks() + 1) : ticks;
    this.#lastTimestamp = timestamp;
    this.#lastElapsedMs = elapsedMs;
    this.#wantedCorrection = 0;
    this.#correction = 0;
    this.#isStarted = true;
    const report = this.#earlyReport;
    if (report !== undefined) {
      this.#earlyReport = undefined;
      this.#relate(report.ntpMs, report.rtpTimestamp);
      if (!this.#hasFrames) this.#correction = this.#wantedCorrection; // nobody has seen a frame that could jump
    }
    this.#hasFrames = true;
  }

  #ticks(): number {
    return this.#lastTicks + Math.round(this.#correction);
  }

  #relate(ntpMs: number, rtpTimestamp: number): void {
    const ticks = this.#lastTicks + wrapDistance(this.#lastTimestamp, rtpTimestamp, 32);
    this.#ntpOffsetMs = ntpMs - (ticks * 1_000) / this.#clockRate;
    const reference = this.#timeline.referenceFor(this);
    if (reference === this || reference.#ntpOffsetMs === undefined) return;
    const apartMs = this.#ntpOffsetMs - reference.#ntpOffsetMs;
    const correctionMs = apartMs - Math.round(apartMs / eraMs) * eraMs; // 2036 may lie between two reports
    const correction = (correctionMs * this.#clockRate) / 1_000;
    // Cameras exist whose tracks have wall clocks that are hours apart: then arrival is the better witness. Clocks that drift
    // get as far from each other, too, but not from one report to the next.
    const change = Math.abs(correction - this.#wantedCorrection);
    if (change * 1_000 <= maxCorrectionMs * this.#clockRate) this.#wantedCorrection = correction;
  }

  /** A part of the step, so that no correction turns the order of two packets round. */
  #slew(step: number): void {
    const missing = this.#wantedCorrection - this.#correction;
    if (missing === 0) return;
    const rate = Math.abs(missing) / (slewSeconds * this.#clockRate);
    const most = Math.max(step, 0) * Math.min(Math.max(rate, minSlew), maxSlew);
    this.#correction += Math.min(Math.max(missing, -most), most);
  }
}

/** A step back of less is a B-frame, or a packet of a frame before. */
const maxStepBackSeconds = 2;
/** A step forward of more than went by is another clock; servers that send a buffer at once stay below it. */
const maxStepSeconds = 10;
/** Lip sync that is off by more was never meant by the sender. */
const maxCorrectionMs = 3_000;
/** Of the time that goes by: sound that is slower or faster by 1 % for some seconds is not heard. */
const minSlew = 0.01;
/** What is more than that puts right in this time is seen, and is worth some seconds of sound that is heard to be wrong. */
const slewSeconds = 15;
const maxSlew = 0.1;
const fractionsPerMs = 0x1_0000_0000 / 1_000;
const eraMs = 0x1_0000_0000 * 1_000;
