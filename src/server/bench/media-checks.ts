/**
 * What is checked of every tag that a player gets, whatever framed it: timestamps of a track never go back, and leave out no more
 * than they may. State is columns, a row for each player; nothing is allocated for a tag.
 */

import { wrapDistance } from "../../bytes/wrap.ts";
import { flvTagType } from "../../formats/flv/tag.ts";
import { Histogram } from "./histogram.ts";
import { readSendingTime } from "./sending-time.ts";

/** Bytes at the start of a tag's body that are looked at: up to the sending time. */
export const headBytes = 64;

export class MediaChecks {
  /** From sending to the last byte of the frame, for streams that carry their sending times. */
  readonly latency: Histogram = new Histogram();
  /** `performance.now()` when the first body byte of audio or video was here, and when the first key frame was; 0: not yet. */
  readonly firstMediaAtMs: Float64Array;
  readonly firstKeyAtMs: Float64Array;
  /** When the request was sent that media answers (PLAY); 0: the protocol has none, or it was not sent yet. */
  readonly playSentAtMs: Float64Array;
  readonly receivedBytes: Float64Array;
  readonly #newestMs: Uint32Array;
  readonly #hasNewest: Uint8Array;
  readonly #maxGapMs: number;
  #tagCount = 0;
  #backwardsCount = 0;
  #gapCount = 0;
  #longestGapMs = 0;

  constructor(playerCount: number, maxGapMs: number) {
    this.firstMediaAtMs = new Float64Array(playerCount);
    this.firstKeyAtMs = new Float64Array(playerCount);
    this.playSentAtMs = new Float64Array(playerCount);
    this.receivedBytes = new Float64Array(playerCount);
    this.#newestMs = new Uint32Array(playerCount * trackCount);
    this.#hasNewest = new Uint8Array(playerCount * trackCount);
    this.#maxGapMs = maxGapMs;
  }

  /** Tags of audio and video, or frames where there are no tags. */
  get tagCount(): number {
    return this.#tagCount;
  }

  get backwardsCount(): number {
    return this.#backwardsCount;
  }

  get gapCount(): number {
    return this.#gapCount;
  }

  /** Of the allowed ones, too. */
  get longestGapMs(): number {
    return this.#longestGapMs;
  }

  /** The row is somebody else's from now on. */
  reset(player: number): void {
    this.firstMediaAtMs[player] = 0;
    this.firstKeyAtMs[player] = 0;
    this.playSentAtMs[player] = 0;
    this.receivedBytes[player] = 0;
    this.#hasNewest.fill(0, player * trackCount, (player + 1) * trackCount);
  }

  // Tags: RTMP and FLV.

  /** The first body byte of a tag is here. */
  beginTag(player: number, tagType: number, nowMs: number): void {
    if (isMedia(tagType)) this.beginMedia(player, nowMs);
  }

  /** The whole tag is here; its first `headLength` bytes (at most {@link headBytes}) stand in `heads` at `at`. */
  endTag(
    player: number,
    tagType: number,
    timestampMs: number,
    heads: Uint8Array,
    at: number,
    headLength: number,
    nowMs: number,
  ): void {
    if (!isMedia(tagType)) return;
    this.#tagCount++;
    const isVideo = tagType === flvTagType.video;
    // Configurations have any timestamp: some servers send them with 0.
    if (headLength < 2 || (isVideo ? isVideoConfig(heads, at) : isAudioConfig(heads, at))) return;
    this.#checkTime(player * trackCount + (isVideo ? 0 : 1), timestampMs);
    if (!isVideo) return;
    if (isKeyFrame(heads[at] as number)) this.endKeyFrame(player, nowMs);
    const sentAtMs = readSendingTime(heads, at, headLength);
    if (sentAtMs >= 0) this.latency.add(nowMs - sentAtMs);
  }

  // What tags and packets have in common.

  /** The first byte of audio or video is here. */
  beginMedia(player: number, nowMs: number): void {
    if (this.firstMediaAtMs[player] === 0) this.firstMediaAtMs[player] = nowMs;
  }

  endKeyFrame(player: number, nowMs: number): void {
    if (this.firstKeyAtMs[player] === 0) this.firstKeyAtMs[player] = nowMs;
  }

  countFrame(): void {
    this.#tagCount++;
  }

  /** A track went on by so much; `allowedBackMs`: how far it may go back, as pictures do that are not sent in the order of showing. */
  step(stepMs: number, allowedBackMs: number): void {
    if (stepMs < -allowedBackMs) this.#backwardsCount++;
    if (stepMs > this.#longestGapMs) this.#longestGapMs = stepMs;
    if (stepMs > this.#maxGapMs) this.#gapCount++;
  }

  #checkTime(track: number, timestampMs: number): void {
    const newestMs = this.#newestMs[track] as number;
    this.#newestMs[track] = timestampMs;
    if (this.#hasNewest[track] === 0) {
      this.#hasNewest[track] = 1;
      return;
    }
    this.step(wrapDistance(newestMs, timestampMs, 32), 0);
  }
}

function isMedia(tagType: number): boolean {
  return tagType === flvTagType.video || tagType === flvTagType.audio;
}

/** Whether a video tag is no frame: legacy AVCPacketType and HEVC's, or VideoPacketType of Enhanced RTMP. */
function isVideoConfig(heads: Uint8Array, at: number): boolean {
  const first = heads[at] as number;
  const second = heads[at + 1] as number;
  if (((first >> 4) & 7) === frameTypeCommand) return true;
  if ((first & 0x80) !== 0) {
    const packetType = first & 0x0f;
    return isExConfig(packetType === exMultitrack ? second & 0x0f : packetType);
  }
  const codecId = first & 0x0f;
  return (codecId === avcCodecId || codecId === hevcCodecId) && second !== 1;
}

function isAudioConfig(heads: Uint8Array, at: number): boolean {
  const first = heads[at] as number;
  const second = heads[at + 1] as number;
  if (first >> 4 === aacSoundFormat) return second === 0;
  if (first >> 4 !== exSoundFormat) return false;
  const packetType = first & 0x0f;
  return isExConfig(packetType === exMultitrackAudio ? second & 0x0f : packetType);
}

/** Sequence start and end, metadata, and the configuration of an MPEG-TS or of channels. */
function isExConfig(packetType: number): boolean {
  return packetType === 0 || packetType === 2 || packetType === 4 || packetType === 5;
}

function isKeyFrame(first: number): boolean {
  const frameType = (first >> 4) & 7;
  return frameType === 1 || frameType === 4;
}

const trackCount = 2;
const frameTypeCommand = 5;
const avcCodecId = 7;
const hevcCodecId = 12;
const aacSoundFormat = 10;
const exSoundFormat = 9;
const exMultitrack = 6;
const exMultitrackAudio = 5;
