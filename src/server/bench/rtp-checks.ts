/**
 * What is checked of every RTP and RTCP packet that a player gets, whatever carried it: RFC 3550 §5.1, §6.4.1. Sequence numbers
 * without a gap or repeat, one SSRC, timestamps that go on as the codec allows, markers where frames end (RFC 6184 §5.1 and its
 * relatives), and sender reports that agree with themselves and with the packets. State is columns, a row for each track of each
 * player; nothing is allocated for a packet, and payloads are looked at for their first bytes only.
 */

import { readU32 } from "../../bytes/byte-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { wrapDistance } from "../../bytes/wrap.ts";
import { parseRtcp } from "../../protocols/rtcp/compound.ts";
import type { SenderReport } from "../../protocols/rtcp/message/sender-report.ts";
import { rtpExtensionFlag, rtpHeaderLength } from "../../protocols/rtp/packet.ts";
import { ERR_BENCH_CLOSED, ERR_BENCH_FRAMING } from "./errors.ts";
import { tracksPerPlayer } from "./limits.ts";
import type { MediaChecks } from "./media-checks.ts";
import { readUnitSendingTime } from "./sending-time.ts";

/** What a description promises of a track. */
export interface PromisedTrack {
  readonly payloadType: number;
  readonly clockRate: number;
  /** Whether the marker bit ends a frame. */
  readonly marksFrameEnd: boolean;
  /** How far timestamps may go back: pictures are not sent in the order of showing. */
  readonly maxBackMs: number;
  /** Whose key frames are known when they come. */
  readonly pictures: "h264" | "h265" | undefined;
}

/** Bytes at the start of a packet that are looked at: parameter sets and the sending time behind them in one packet. */
export const packetHeadBytes = 192;

export class RtpChecks {
  /** UDP: packets may overtake each other, and then they are late without being lost. */
  readonly mayReorder: boolean;
  readonly #checks: MediaChecks;
  // A row for each player.
  readonly #trackCount: Uint8Array;
  // A row for each track of each player.
  readonly #payloadType: Uint8Array;
  readonly #clockRate: Uint32Array;
  readonly #maxBackMs: Uint16Array;
  readonly #flags: Uint8Array;
  /** Of the packet or the frame that is on its way. */
  readonly #current: Uint8Array;
  readonly #ssrc: Uint32Array;
  readonly #nextSequence: Uint16Array;
  readonly #timestamp: Uint32Array;
  /** The newest in the order of showing. */
  readonly #newest: Uint32Array;
  /** Of the frame that is on its way; -1: not known. */
  readonly #sentAtMs: Float64Array;
  readonly #reportNtpMs: Float64Array;
  readonly #reportTimestamp: Uint32Array;
  #packetCount = 0;
  #missingCount = 0;
  #lateCount = 0;
  #ssrcChangeCount = 0;
  #markerErrorCount = 0;
  #reportCount = 0;
  #wrongReportCount = 0;

  constructor(playerCount: number, checks: MediaChecks, mayReorder = false) {
    this.mayReorder = mayReorder;
    this.#checks = checks;
    const rows = playerCount * tracksPerPlayer;
    this.#trackCount = new Uint8Array(playerCount);
    this.#payloadType = new Uint8Array(rows);
    this.#clockRate = new Uint32Array(rows);
    this.#maxBackMs = new Uint16Array(rows);
    this.#flags = new Uint8Array(rows);
    this.#current = new Uint8Array(rows);
    this.#ssrc = new Uint32Array(rows);
    this.#nextSequence = new Uint16Array(rows);
    this.#timestamp = new Uint32Array(rows);
    this.#newest = new Uint32Array(rows);
    this.#sentAtMs = new Float64Array(rows);
    this.#reportNtpMs = new Float64Array(rows);
    this.#reportTimestamp = new Uint32Array(rows);
  }

  get packetCount(): number {
    return this.#packetCount;
  }

  /** Sequence numbers that were left out. Those that came late are among them. */
  get missingCount(): number {
    return this.#missingCount;
  }

  /** Packets with a sequence number that was passed before: repeated, or overtaken. */
  get lateCount(): number {
    return this.#lateCount;
  }

  get ssrcChangeCount(): number {
    return this.#ssrcChangeCount;
  }

  /** Frames that ended without a marker, or went on behind one. */
  get markerErrorCount(): number {
    return this.#markerErrorCount;
  }

  get reportCount(): number {
    return this.#reportCount;
  }

  /** Sender reports whose times do not fit the one before, or the packets. */
  get wrongReportCount(): number {
    return this.#wrongReportCount;
  }

  /** The row is somebody else's from now on, who has not set up anything. */
  reset(player: number): void {
    this.#trackCount[player] = 0;
  }

  /** What player has set up, at most {@link tracksPerPlayer}. Track `i` is row `player * tracksPerPlayer + i`. */
  setTracks(player: number, tracks: readonly PromisedTrack[]): void {
    this.#trackCount[player] = tracks.length;
    for (const [i, track] of tracks.entries()) {
      const row = player * tracksPerPlayer + i;
      this.#payloadType[row] = track.payloadType;
      this.#clockRate[row] = track.clockRate;
      this.#maxBackMs[row] = track.maxBackMs;
      this.#flags[row] =
        (track.marksFrameEnd ? flags.marksFrameEnd : 0) |
        (track.pictures === "h264" ? flags.isH264 : track.pictures === "h265" ? flags.isH265 : 0);
      this.#current[row] = 0;
      this.#sentAtMs[row] = -1;
    }
  }

  /** What the answer to SETUP says; packets may have come before. */
  expectSsrc(row: number, ssrc: number): void {
    this.#checkSsrc(row, ssrc);
  }

  /** Tracks with media for more than `ms` that nobody has reported on yet. */
  unreportedCount(nowMs: number, ms: number): number {
    let count = 0;
    for (const [player, trackCount] of this.#trackCount.entries()) {
      const sinceMs = this.#checks.firstMediaAtMs[player] as number;
      if (sinceMs === 0 || nowMs - sinceMs < ms) continue;
      const first = player * tracksPerPlayer;
      for (let row = first; row < first + trackCount; row++) {
        if (((this.#flags[row] as number) & (flags.hasPacket | flags.hasReport)) === flags.hasPacket) count++;
      }
    }
    return count;
  }

  /**
   * A packet of `length` bytes has begun; its first bytes, at most {@link packetHeadBytes}, stand in `bytes[at, end)`.
   * Errors: ERR_BENCH_FRAMING, for what is no packet of this track.
   */
  begin(player: number, row: number, bytes: Uint8Array, at: number, end: number, length: number, nowMs: number): void {
    if (length < rtpHeaderLength) throw torn(`at least ${rtpHeaderLength} bytes of RTP`, `${length}`);
    const first = bytes[at] as number;
    const second = bytes[at + 1] as number;
    if (first >> 6 !== rtpVersion) throw torn("version 2 of RTP", `${first >> 6}`);
    if ((second & 0x7f) !== this.#payloadType[row])
      throw torn(`payload type ${this.#payloadType[row]}`, `${second & 0x7f}`);
    this.#packetCount++;
    this.#checks.beginMedia(player, nowMs);
    const before = this.#flags[row] as number;
    const isFirst = (before & flags.hasPacket) === 0;
    const sequence = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    const ahead = isFirst ? 0 : (sequence - (this.#nextSequence[row] as number)) & 0xffff;
    this.#checkSsrc(row, readU32(bytes, at + 8));
    if (ahead >= 0x8000) {
      this.#lateCount++;
      this.#current[row] = (this.#current[row] as number) | current.isLate;
      return;
    }
    this.#missingCount += ahead;
    this.#nextSequence[row] = sequence + 1;
    this.#flags[row] = (this.#flags[row] as number) | flags.hasPacket;
    const timestamp = readU32(bytes, at + 4);
    const isFrameStart = isFirst || timestamp !== this.#timestamp[row];
    const wasMarked = ((this.#current[row] as number) & current.isMarked) !== 0;
    if (!isFirst && ahead === 0 && (before & flags.marksFrameEnd) !== 0 && wasMarked !== isFrameStart)
      this.#markerErrorCount++;
    if (isFrameStart) this.#beginFrame(row, timestamp, isFirst);
    this.#current[row] = ((this.#current[row] as number) & current.isKey) | (second >= 0x80 ? current.isMarked : 0);
    if ((before & (flags.isH264 | flags.isH265)) !== 0) this.#lookInto(row, bytes, at, end);
  }

  /** All of the packet that has begun is here. */
  end(player: number, row: number, nowMs: number): void {
    const state = this.#current[row] as number;
    if ((state & current.isLate) !== 0) {
      this.#current[row] = state & ~current.isLate;
      return;
    }
    if ((state & current.isMarked) === 0 || ((this.#flags[row] as number) & flags.marksFrameEnd) === 0) return;
    if ((state & current.isKey) !== 0) this.#checks.endKeyFrame(player, nowMs);
    const sentAtMs = this.#sentAtMs[row] as number;
    if (sentAtMs < 0) return;
    this.#checks.latency.add(nowMs - sentAtMs);
    this.#sentAtMs[row] = -1;
  }

  /** A whole RTCP packet of a track. Errors: ERR_RTCP_PACKET, and ERR_BENCH_CLOSED when the sender says good-bye. */
  handleRtcp(row: number, packet: Uint8Array): void {
    for (const message of parseRtcp(packet)) {
      if (message.kind === "senderReport") this.#checkReport(row, message);
      else if (message.kind === "bye") throw new CodedError(ERR_BENCH_CLOSED, "the server said BYE");
    }
  }

  #checkSsrc(row: number, ssrc: number): void {
    const known = this.#flags[row] as number;
    if ((known & flags.hasSsrc) !== 0 && this.#ssrc[row] === ssrc) return;
    if ((known & flags.hasSsrc) !== 0) this.#ssrcChangeCount++;
    this.#ssrc[row] = ssrc;
    this.#flags[row] = known | flags.hasSsrc;
  }

  #beginFrame(row: number, timestamp: number, isFirst: boolean): void {
    this.#checks.countFrame();
    this.#timestamp[row] = timestamp;
    this.#current[row] = (this.#current[row] as number) & ~current.isKey;
    this.#sentAtMs[row] = -1;
    if (isFirst) {
      this.#newest[row] = timestamp;
      if (((this.#flags[row] as number) & flags.hasReport) !== 0 && !this.#isNearReport(row)) this.#wrongReportCount++;
      return;
    }
    const stepMs = this.#msBetween(row, this.#newest[row] as number, timestamp);
    const maxBackMs = this.#maxBackMs[row] as number;
    this.#checks.step(stepMs, maxBackMs);
    if (stepMs > 0 || stepMs < -maxBackMs) this.#newest[row] = timestamp;
  }

  #checkReport(row: number, { ssrc, ntp, rtpTimestamp }: SenderReport): void {
    this.#reportCount++;
    const known = this.#flags[row] as number;
    const ntpMs = (ntp.seconds + ntp.fraction / 0x1_0000_0000) * 1000;
    let isRight = (known & flags.hasSsrc) === 0 || this.#ssrc[row] === ssrc;
    if ((known & flags.hasReport) !== 0) {
      const wallMs = ntpMs - (this.#reportNtpMs[row] as number);
      const mediaMs = this.#msBetween(row, this.#reportTimestamp[row] as number, rtpTimestamp);
      isRight &&= Math.abs(wallMs - mediaMs) <= reportToleranceMs + Math.abs(wallMs) * reportDrift;
    }
    this.#reportNtpMs[row] = ntpMs;
    this.#reportTimestamp[row] = rtpTimestamp;
    this.#flags[row] = known | flags.hasReport;
    if ((known & flags.hasPacket) !== 0) isRight &&= this.#isNearReport(row);
    if (!isRight) this.#wrongReportCount++;
  }

  /** Whether the newest report is about the time of the newest packet: another clock, or another start, would be far away. */
  #isNearReport(row: number): boolean {
    const ms = this.#msBetween(row, this.#reportTimestamp[row] as number, this.#newest[row] as number);
    return Math.abs(ms) <= maxReportDistanceMs;
  }

  #msBetween(row: number, from: number, to: number): number {
    return (wrapDistance(from, to, 32) * 1000) / (this.#clockRate[row] as number);
  }

  /** The payload's first NAL units: RFC 6184 §5.2, RFC 7798 §4.4. Are they a key frame's, and do they carry its sending time? */
  #lookInto(row: number, bytes: Uint8Array, packetAt: number, end: number): void {
    const at = payloadStart(bytes, packetAt, end);
    if (at + 2 >= end) return;
    const isH265 = ((this.#flags[row] as number) & flags.isH265) !== 0;
    const type = isH265 ? h265Type(bytes, at) : (bytes[at] as number) & 0x1f;
    if (type === (isH265 ? h265Fragment : h264Fragment)) {
      const inner = isH265 ? (bytes[at + 2] as number) & 0x3f : (bytes[at + 1] as number) & 0x1f;
      if (isH265 ? isH265Key(inner) : isH264Key(inner)) this.#markKey(row);
    } else if (type === (isH265 ? h265Aggregate : h264Aggregate)) {
      let length = 0;
      for (let unit = at + (isH265 ? 2 : 1) + 2; unit < end; unit += length + 2) {
        length = ((bytes[unit - 2] as number) << 8) | (bytes[unit - 1] as number);
        this.#lookAtUnit(row, isH265, bytes, unit, Math.min(end, unit + length));
      }
    } else {
      this.#lookAtUnit(row, isH265, bytes, at, end);
    }
  }

  #lookAtUnit(row: number, isH265: boolean, bytes: Uint8Array, at: number, end: number): void {
    if (isH265) {
      if (isH265Key(h265Type(bytes, at))) this.#markKey(row);
      return;
    }
    const type = (bytes[at] as number) & 0x1f;
    if (isH264Key(type)) this.#markKey(row);
    if (type !== h264Sei) return;
    const sentAtMs = readUnitSendingTime(bytes, at, end);
    if (sentAtMs >= 0) this.#sentAtMs[row] = sentAtMs;
  }

  #markKey(row: number): void {
    this.#current[row] = (this.#current[row] as number) | current.isKey;
  }
}

/** Behind the list of sources and the extension; `end` or more when that is not here. */
function payloadStart(bytes: Uint8Array, packetAt: number, end: number): number {
  const first = bytes[packetAt] as number;
  const at = packetAt + rtpHeaderLength + 4 * (first & 0x0f);
  if ((first & rtpExtensionFlag) === 0) return at;
  if (at + 4 > end) return end;
  return at + 4 + 4 * (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
}

function h265Type(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) >> 1) & 0x3f;
}

/** An IDR slice, or the parameter sets that stand before one: the slice itself may be too far behind them. */
function isH264Key(type: number): boolean {
  return type === h264Idr || type === h264Sps;
}

function isH265Key(type: number): boolean {
  return (type >= h265FirstIrap && type <= h265LastIrap) || type === h265Sps;
}

function torn(expected: string, got: string): CodedError {
  return new CodedError(ERR_BENCH_FRAMING, `the RTP stream is torn: expected ${expected}, got ${got}`);
}

const rtpVersion = 2;
const h264Idr = 5;
const h264Sei = 6;
const h264Sps = 7;
const h264Aggregate = 24;
const h264Fragment = 28;
const h265Aggregate = 48;
const h265Fragment = 49;
const h265FirstIrap = 16;
const h265LastIrap = 23;
const h265Sps = 33;

/** What is so between packets of a track. */
const flags = { hasPacket: 1, hasSsrc: 2, hasReport: 4, marksFrameEnd: 8, isH264: 16, isH265: 32 } as const;
const current = { isMarked: 1, isKey: 2, isLate: 4 } as const;

/** Between two sender reports wall clock and media may go apart by what servers round to, and by a bad crystal. */
const reportToleranceMs = 50;
const reportDrift = 0.001;
/** A report may be as old as the GOP that a player starts with. */
const maxReportDistanceMs = 15_000;
