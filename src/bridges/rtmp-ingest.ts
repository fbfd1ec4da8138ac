/**
 * RTMP messages into frames: FLV tag bodies are taken apart, tracks appear with their first frame, and the publisher's clock
 * is put on the stream's timeline.
 *
 * A damaged tag costs that tag; a codec or configuration we can't read costs that track. Both are counted with a code and a
 * sentence; the session goes on.
 */

import { CodedError } from "../bytes/coded-error.ts";
import { equalBytes } from "../bytes/equal-bytes.ts";
import { Unwrapper } from "../bytes/wrap.ts";
import { trimTemporalDelimiter } from "../codecs/av1/temporal-unit.ts";
import type { CodecName } from "../codecs/codec-name.ts";
import { writeOpusHead } from "../codecs/opus/opus-head.ts";
import { parseTrackInfo } from "../codecs/track-info.ts";
import { type AmfValue, amfObject } from "../formats/amf/amf-value.ts";
import { type AudioTag, parseAudioTag } from "../formats/flv/audio-tag.ts";
import { parseScriptData } from "../formats/flv/script-tag.ts";
import { parseVideoTag, type VideoTag } from "../formats/flv/video-tag.ts";
import type { Track, TrackFormat, TrackKind } from "../kernel/frame.ts";
import type { MetadataValue } from "../kernel/metadata.ts";
import type { Publication } from "../kernel/publication.ts";
import { ERR_FRAME_WITHOUT_CONFIG } from "./errors.ts";

export class RtmpIngest {
  readonly #publication: Publication;
  readonly #onProblem: (problem: CodedError) => void;
  readonly #timeline: Timeline;
  readonly #tracks: Record<"video" | "audio", (IngestTrack | undefined)[]> = { video: [], audio: [] };

  /** @param onProblem - told of every tag that was left out; the caller counts and logs, at most once a second */
  constructor(publication: Publication, onProblem: (problem: CodedError) => void) {
    this.#publication = publication;
    this.#onProblem = onProblem;
    this.#timeline = new Timeline(publication.startMs);
  }

  /** Times the publisher's clock jumped and was put back on the timeline. */
  get clockJumpCount(): number {
    return this.#timeline.jumpCount;
  }

  handleVideo(timestamp: number, body: Uint8Array): void {
    if (body.length === 0) return; // what RTMP clients send to say nothing
    try {
      this.#video(timestamp, parseVideoTag(body));
    } catch (error) {
      this.#contain(error);
    }
  }

  handleAudio(timestamp: number, body: Uint8Array): void {
    if (body.length === 0) return;
    try {
      this.#audio(timestamp, parseAudioTag(body));
    } catch (error) {
      this.#contain(error);
    }
  }

  handleData(timestamp: number, body: Uint8Array): void {
    try {
      this.#data(timestamp, body);
    } catch (error) {
      this.#contain(error);
    }
  }

  #video(timestamp: number, tag: VideoTag): void {
    for (const { trackId, codec, compositionTimeMs, data } of tag.tracks) {
      const track = this.#track("video", trackId);
      switch (tag.packetType) {
        case "sequence-start":
          track.setConfig(codec, data);
          break;
        case "metadata":
          track.setDescription(data);
          break;
        case "frame":
          if (data.length > 0) this.#frame(track, codec, timestamp, compositionTimeMs, tag, tag.isKey, data);
          break;
        default: // the end of a sequence, seek commands and the like change nothing here
          break;
      }
    }
  }

  #audio(timestamp: number, tag: AudioTag): void {
    for (const { trackId, codec, data } of tag.tracks) {
      const track = this.#track("audio", trackId);
      // Some encoders send both headers of an Ogg file; the second only says who they are.
      const isComment = codec === "opus" && startsWith(data, "OpusTags");
      if (tag.packetType === "sequence-start") {
        if (!isComment) track.setConfig(codec, data);
      } else if (tag.packetType === "multichannel-config") track.setDescription(data);
      else if (tag.packetType === "frame" && data.length > 0) this.#frame(track, codec, timestamp, 0, tag, true, data);
    }
  }

  #data(timestamp: number, body: Uint8Array): void {
    const { name, value } = parseScriptData(body);
    if (name === "onMetaData") {
      this.#publication.updateMetadata(describe(scalarFields(value)));
      return;
    }
    const track = this.#publication.setTrack("data", 0, dataFormat);
    const timeMs = this.#timeline.place(timestamp, 0);
    this.#publication.publish(track, timeMs, timeMs, true, body);
  }

  #frame(
    track: IngestTrack,
    codec: CodecName,
    timestamp: number,
    compositionTimeMs: number,
    tag: { readonly nanosecondOffset: number },
    isKey: boolean,
    data: Uint8Array,
  ): void {
    const published = track.open(this.#publication, codec, data, tag.nanosecondOffset > 0);
    const dtsMs = this.#timeline.place(timestamp, track.lastDtsMs);
    track.lastDtsMs = dtsMs;
    const ticksPerMs = published.format.timescale / 1000;
    // The offset refines presentation only; the decoding time stays that of the message (E-RTMP v2, TimestampOffsetNano).
    const offsetTicks = ticksPerMs > 1 ? tag.nanosecondOffset : 0;
    const ptsTicks = (dtsMs + compositionTimeMs) * ticksPerMs + offsetTicks;
    const unit = codec === "av1" ? trimTemporalDelimiter(data) : data;
    this.#publication.publish(published, ptsTicks, dtsMs * ticksPerMs, isKey, unit);
  }

  #track(kind: "video" | "audio", number: number): IngestTrack {
    const tracks = this.#tracks[kind];
    tracks[number] ??= new IngestTrack(kind, number);
    return tracks[number];
  }

  #contain(error: unknown): void {
    if (!(error instanceof CodedError)) throw error;
    this.#onProblem(error);
  }
}

/** One track of the publisher, from its first sequence header on. */
class IngestTrack {
  lastDtsMs = 0;
  readonly #kind: TrackKind;
  readonly #number: number;
  #track: Track | undefined;
  #codec: CodecName | undefined;
  #config: Uint8Array | undefined;
  #description: Uint8Array | undefined;
  /** Whether codec, configuration or description changed since the last frame. */
  #isStale = true;
  #refusal: CodedError | undefined;

  constructor(kind: TrackKind, number: number) {
    this.#kind = kind;
    this.#number = number;
  }

  setConfig(codec: CodecName, config: Uint8Array): void {
    // Many encoders repeat the same header before every key frame.
    if (this.#codec === codec && this.#config !== undefined && equalBytes(this.#config, config)) return;
    this.#codec = codec;
    this.#config = config.slice(); // kept for long, and the memory behind it is shared
    this.#isStale = true;
    this.#refusal = undefined;
  }

  setDescription(description: Uint8Array): void {
    if (this.#description !== undefined && equalBytes(this.#description, description)) return;
    this.#description = description.slice();
    this.#isStale = true;
  }

  /** The kernel's track, with the format that this frame has. Throws when the track can't be read. */
  open(publication: Publication, codec: CodecName, frame: Uint8Array, hasNanoseconds: boolean): Track {
    if (this.#codec !== codec) {
      this.#codec = codec;
      this.#config = undefined;
      this.#isStale = true;
      this.#refusal = undefined;
    }
    if (this.#track !== undefined && !this.#isStale) return this.#track;
    if (this.#refusal !== undefined) throw this.#refusal;
    try {
      this.#track = publication.setTrack(this.#kind, this.#number, this.#format(codec, frame, hasNanoseconds));
    } catch (error) {
      // The same answer for every later frame, without parsing again, until the configuration changes.
      if (error instanceof CodedError) this.#refusal = error;
      throw error;
    }
    this.#isStale = false;
    return this.#track;
  }

  #format(codec: CodecName, frame: Uint8Array, hasNanoseconds: boolean): TrackFormat {
    let config = this.#config ?? noBytes;
    // E-RTMP lets a publisher leave the header out; the frame's first byte says mono or stereo (RFC 6716 §3.1).
    if (config.length === 0 && codec === "opus") config = defaultOpusHead(((frame[0] ?? 0) & 0x04) === 0 ? 1 : 2);
    if (config.length === 0 && needsConfig.has(codec)) {
      throw new CodedError(
        ERR_FRAME_WITHOUT_CONFIG,
        `a ${codec} frame of ${this.#kind} track ${this.#number} came before its sequence header, without which nobody can decode it`,
      );
    }
    const info = parseTrackInfo(codec, config, frame);
    // Nanoseconds only for publishers that send them: decided once, because a track keeps its timescale.
    const timescale = this.#track?.format.timescale ?? (hasNanoseconds ? nanosecondTimescale : millisecondTimescale);
    return {
      codec,
      timescale,
      config,
      codecString: info.codecString,
      width: info.width,
      height: info.height,
      fps: info.fps,
      sampleRate: info.sampleRate,
      channels: info.channels,
      description: this.#description,
    };
  }
}

/**
 * Puts 32-bit millisecond time stamps that wrap, jump and start anywhere on the stream's timeline, one offset for all tracks,
 * so that they stay in step.
 */
class Timeline {
  readonly #unwrapper = new Unwrapper(32);
  readonly #startMs: number;
  #offsetMs: number | undefined;
  #newestMs = 0;
  #jumpCount = 0;

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  get jumpCount(): number {
    return this.#jumpCount;
  }

  /** The time of a message on the timeline; `lastMs` is that of its track's message before. */
  place(timestamp: number, lastMs: number): number {
    const unwrapped = this.#unwrapper.unwrap(timestamp);
    this.#offsetMs ??= this.#firstOffset(unwrapped);
    let placed = unwrapped + this.#offsetMs;
    if (placed < lastMs - maxStepBackMs || placed > this.#newestMs + maxStepForwardMs) {
      if (this.#newestMs > 0) {
        this.#jumpCount++;
        this.#offsetMs += this.#newestMs + stepAfterJumpMs - placed;
        placed = this.#newestMs + stepAfterJumpMs;
      }
    }
    if (placed < 0) placed = 0;
    if (placed > this.#newestMs) this.#newestMs = placed;
    return placed;
  }

  #firstOffset(unwrapped: number): number {
    if (this.#startMs > 0) return this.#startMs - unwrapped;
    // A clock that starts near zero is left alone. Any other starts at a second, which leaves room for a track whose first
    // frame is a little older.
    return unwrapped < nearZeroMs ? 0 : firstFrameMs - unwrapped;
  }
}

function defaultOpusHead(channels: number): Uint8Array {
  const fixed = { version: 1, preSkip: 0, inputSampleRate: 48_000, outputGain: 0, mappingFamily: 0 };
  return writeOpusHead({ ...fixed, channels, mapping: undefined });
}

function describe(fields: Map<string, MetadataValue>): Parameters<Publication["updateMetadata"]>[0] {
  const number = (key: string, factor = 1): number | undefined => {
    const value = fields.get(key);
    return typeof value === "number" && Number.isFinite(value) && value > 0 ? value * factor : undefined;
  };
  const encoder = fields.get("encoder");
  return {
    width: number("width"),
    height: number("height"),
    fps: number("framerate"),
    videoBitRate: number("videodatarate", 1000),
    audioBitRate: number("audiodatarate", 1000),
    encoder: typeof encoder === "string" ? encoder : undefined,
    fields,
  };
}

/** The fields of an object or ECMA array that are numbers, texts or truth values. */
function scalarFields(value: AmfValue): Map<string, MetadataValue> {
  const fields = new Map<string, MetadataValue>();
  for (const [key, field] of amfObject(value)?.fields ?? []) {
    if (typeof field === "number" || typeof field === "string" || typeof field === "boolean") fields.set(key, field);
  }
  return fields;
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  if (bytes.length < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false;
  return true;
}

const noBytes = new Uint8Array(0);

/** Codecs that can't be decoded without what the sequence header carries. */
const needsConfig: ReadonlySet<CodecName> = new Set<CodecName>(["h264", "h265", "vvc", "av1", "aac", "flac"]);

const dataFormat: TrackFormat = { codec: "amf0", timescale: 1000, config: noBytes, codecString: "" };

const millisecondTimescale = 1000;
const nanosecondTimescale = 1_000_000_000;

/** First time stamps below this are left as they are. */
const nearZeroMs = 10_000;
const firstFrameMs = 1_000;
/** A track's time may go back this far and is merely held: encoders that interleave badly, restarted audio. */
const maxStepBackMs = 1_000;
/** And forward this far; a publisher that is silent longer has been disconnected by then. */
const maxStepForwardMs = 30_000;
/** After a jump of the clock, the next frame stands this far behind the newest. */
const stepAfterJumpMs = 20;
