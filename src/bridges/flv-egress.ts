/**
 * Frames into FLV, in three framings that share everything but their headers: RTMP messages, HTTP-FLV tags, and the same tags
 * as WebSocket messages. Packetised once for each stream and framing, whoever watches.
 *
 * Every random access point has a preamble in front of it (onMetaData and all sequence headers) for those who start there;
 * those who go along get a sequence header only when it changes.
 */

import { assert } from "../bytes/assert.ts";
import { CodedError } from "../bytes/coded-error.ts";
import { equalBytes } from "../bytes/equal-bytes.ts";
import { rescaleTicks } from "../bytes/time.ts";
import { modulo } from "../bytes/wrap.ts";
import type { VideoCodecName } from "../codecs/codec-name.ts";
import type { AmfValue } from "../formats/amf/amf-value.ts";
import { makeAmfObject } from "../formats/amf/amf-value.ts";
import { type AudioTagHeaderOptions, audioTagHeaderLength, writeAudioTagHeader } from "../formats/flv/audio-tag.ts";
import { type FlvAudioCodecName, type FlvCodecName, metadataCodecId } from "../formats/flv/fourcc.ts";
import { type FlvFraming, flvTagFraming } from "../formats/flv/framing.ts";
import { writeOnMetaData } from "../formats/flv/script-tag.ts";
import { flvHeaderLength, flvTagType, writeFlvHeader } from "../formats/flv/tag.ts";
import { type VideoTagHeaderOptions, videoTagHeaderLength, writeVideoTagHeader } from "../formats/flv/video-tag.ts";
import type { FormatFamily, FormatRequest, Packetizer } from "../kernel/egress.ts";
import type { EgressLog } from "../kernel/egress-log.ts";
import type { Frame, Track, TrackFormat } from "../kernel/frame.ts";
import { entryFlags } from "../kernel/log-layout.ts";
import type { StreamMetadata } from "../kernel/metadata.ts";
import { RandomAccessRule } from "../kernel/random-access.ts";
import { rtmpFlvFraming } from "../protocols/rtmp/flv-framing.ts";
import { webSocketFlvFraming } from "../protocols/websocket/flv-framing.ts";
import { ERR_CODEC_NOT_RECEIVABLE } from "./errors.ts";

/** What one kind of player takes of a stream. */
export interface FlvSelection {
  readonly wantsAudio: boolean;
  readonly wantsVideo: boolean;
  /** Codecs that it takes by their FourCC (Enhanced RTMP), see {@link flvCodecBits}. H.264, AAC and MP3 need no asking. */
  readonly codecs: number;
  /** Whether it takes more than one track of a kind (E-RTMP v2). */
  readonly hasMultitrack: boolean;
  /** Whether it takes nanosecond offsets (E-RTMP v2, ModEx). */
  readonly hasNanoseconds: boolean;
  /** Whether it wants H.265 as codec id 12, the older convention. */
  readonly wantsHevc12: boolean;
}

type TagMode = "legacy" | "legacy-hevc12" | "enhanced";

/** How a track is written for this player, or undefined when it is left out. */
function chooseTagMode(track: Track, format: TrackFormat, selection: FlvSelection): TagMode | undefined {
  if (track.kind === "data") return "legacy";
  const wanted = track.kind === "video" ? selection.wantsVideo : selection.wantsAudio;
  if (!wanted) return undefined;
  const codec = format.codec as FlvCodecName;
  const isReceivable = (selection.codecs & bitOf(track.kind, codec)) !== 0;
  if (track.number > 0) return selection.hasMultitrack && isReceivable ? "enhanced" : undefined;
  if (codec === "h264" || codec === "aac" || codec === "mp3") return "legacy";
  if (codec === "h265" && selection.wantsHevc12) return "legacy-hevc12";
  return isReceivable ? "enhanced" : undefined;
}

/**
 * What of the stream this player can't be given, as sentences for a person. Throws `ERR_CODEC_NOT_RECEIVABLE` when nothing is
 * left. A stream without tracks yet is fine: they may come.
 */
function checkReceivable(tracks: readonly Track[], selection: FlvSelection): readonly string[] {
  const leftOut: string[] = [];
  let takenCount = 0;
  for (const track of tracks) {
    const isWanted = track.kind === "video" ? selection.wantsVideo : track.kind === "audio" && selection.wantsAudio;
    if (!isWanted) continue;
    if (chooseTagMode(track, track.format, selection) !== undefined) takenCount++;
    else if (track.number === 0) leftOut.push(`the ${track.kind} is ${track.format.codec}`);
  }
  if (takenCount === 0 && leftOut.length > 0) {
    throw new CodedError(
      ERR_CODEC_NOT_RECEIVABLE,
      `${leftOut.join(" and ")}, which this player did not announce (Enhanced RTMP): use a newer player, or publish H.264 and AAC`,
    );
  }
  return leftOut;
}

/** The bits of {@link FlvSelection.codecs} for a player that can be asked. */
export function flvCodecBits(canReceive: (kind: "video" | "audio", codec: FlvCodecName) => boolean): number {
  let bits = 0;
  flvCodecs.forEach(([kind, codec], index) => {
    if (canReceive(kind, codec)) bits |= 1 << index;
  });
  return bits;
}

/** How tags are framed for a player: as in a file, as messages of a WebSocket, or as messages of RTMP. */
export type FlvFramingChoice =
  | { readonly type: "flv" | "ws-flv" }
  | { readonly type: "rtmp"; readonly messageStreamId: number; readonly chunkSize: number };

/** The parameters of this family's requests. */
interface FlvParameters {
  readonly framing: FlvFramingChoice;
  readonly selection: FlvSelection;
}

/** What players with this selection ask for. The key holds all of the selection: tracks may come later. */
export function flvFormatRequest(framing: FlvFramingChoice, selection: FlvSelection): FormatRequest {
  const parts = [
    framing.type === "rtmp" ? `rtmp/${framing.messageStreamId}/${framing.chunkSize}` : framing.type,
    selection.wantsVideo ? "" : "no-video",
    selection.wantsAudio ? "" : "no-audio",
    selection.hasMultitrack ? "multitrack" : "",
    selection.hasNanoseconds ? "nanoseconds" : "",
    selection.wantsHevc12 ? "hevc12" : "",
    `codecs-${selection.codecs.toString(16)}`,
  ];
  const parameters: FlvParameters = { framing, selection };
  return { family: flvFamilyName, key: parts.filter((part) => part !== "").join(";"), parameters };
}

/** All wire formats that carry FLV tags. */
export const flvFamily: FormatFamily = {
  choose: (tracks, { key, parameters }) => {
    const { framing, selection } = parameters as FlvParameters;
    return {
      leftOut: checkReceivable(tracks, selection),
      format: {
        key,
        createPacketizer: (log, formats, metadata) =>
          new FlvPacketizer(log, framingOf(framing), selection, formats, metadata),
      },
    };
  },
};

const flvFamilyName = "flv";

function framingOf(choice: FlvFramingChoice): FlvFraming {
  switch (choice.type) {
    case "flv":
      return flvTagFraming();
    case "ws-flv":
      return webSocketFlvFraming();
    case "rtmp":
      return rtmpFlvFraming(choice.messageStreamId, choice.chunkSize);
  }
}

/** The file header that an HTTP-FLV or WebSocket-FLV player gets before its first entry. */
export function flvFileHeader(tracks: readonly Track[], selection: FlvSelection): Uint8Array {
  const has = (kind: "video" | "audio"): boolean =>
    tracks.some((track) => track.kind === kind && chooseTagMode(track, track.format, selection) !== undefined);
  const header = new Uint8Array(flvHeaderLength);
  writeFlvHeader(header, 0, has("audio"), has("video"));
  return header;
}

class FlvPacketizer implements Packetizer {
  readonly #log: EgressLog;
  readonly #framing: FlvFraming;
  readonly #selection: FlvSelection;
  readonly #tracks = new Map<Track, FlvTrack>();
  #randomAccess = new RandomAccessRule();
  readonly #header = new Uint8Array(maxTagHeaderBytes);
  #metadata: StreamMetadata;
  #metadataBody: Uint8Array;

  constructor(
    log: EgressLog,
    framing: FlvFraming,
    selection: FlvSelection,
    formats: ReadonlyMap<Track, TrackFormat>,
    metadata: StreamMetadata,
  ) {
    this.#log = log;
    this.#framing = framing;
    this.#selection = selection;
    this.#metadata = metadata;
    for (const [track, format] of formats) this.#setFormat(track, format);
    this.#metadataBody = this.#describe();
  }

  handleFrame(frame: Frame): void {
    let track = this.#tracks.get(frame.track);
    const isChanged = track === undefined || track.format !== frame.format;
    if (track === undefined || isChanged) track = this.#setFormat(frame.track, frame.format);
    const { mode } = track;
    if (mode === undefined) return;
    const timeMs = wireTimeMs(frame.dtsTicks, frame.format.timescale);
    if (isChanged) this.#appendChange(track, timeMs);
    // Asked of the frames that are taken: a player without video may start with any sound.
    const isRandomAccess = this.#randomAccess.isRandomAccess(frame);
    if (isRandomAccess) this.#appendPreamble(timeMs);
    const flags = entryFlags.endOfFrame | (isRandomAccess ? entryFlags.key : 0);
    if (frame.track.kind === "data") {
      this.#appendTags(flags, timeMs, [{ type: flvTagType.script, timeMs, body: frame.data }]);
      return;
    }
    const headerLength = this.#writeHeader(frame, track, mode);
    const type = frame.track.kind === "video" ? flvTagType.video : flvTagType.audio;
    this.#log.claim(this.#framing.framedLength(type, headerLength + frame.data.length, timeMs), flags, timeMs);
    this.#framing.write(this.#log, type, timeMs, this.#header, headerLength, frame.data);
    this.#log.commit();
  }

  handleMetadata(metadata: StreamMetadata): void {
    if (metadata.startedAtMs !== this.#metadata.startedAtMs) {
      // Another publisher: its tracks come with its frames, and those of the one before are nothing to wait for.
      this.#tracks.clear();
      this.#randomAccess = new RandomAccessRule();
    }
    this.#metadata = metadata;
    const body = this.#describe();
    if (equalBytes(body, this.#metadataBody)) return;
    this.#metadataBody = body;
    const timeMs = this.#newestTimeMs();
    this.#appendTags(entryFlags.config, timeMs, [metadataTag(body)]);
  }

  #newestTimeMs(): number {
    const { entryNumbers, entryCapacity } = this.#log.memory;
    if (this.#log.entryTail === 0) return 0;
    return entryNumbers[((this.#log.entryTail - 1) % entryCapacity) * 3 + 1] as number;
  }

  #setFormat(track: Track, format: TrackFormat): FlvTrack {
    const created = new FlvTrack(track, format, chooseTagMode(track, format, this.#selection));
    this.#tracks.set(track, created);
    return created;
  }

  /** What those who go along must know: the track's new configuration, and a description that differs. */
  #appendChange(track: FlvTrack, timeMs: number): void {
    const tags = track.configTags(timeMs);
    const body = this.#describe();
    if (!equalBytes(body, this.#metadataBody)) {
      this.#metadataBody = body;
      tags.unshift(metadataTag(body));
    }
    if (tags.length > 0) this.#appendTags(entryFlags.config, timeMs, tags);
  }

  #appendPreamble(timeMs: number): void {
    const tags: Tag[] = [metadataTag(this.#metadataBody)];
    for (const track of this.#tracks.values()) tags.push(...track.configTags(timeMs));
    this.#appendTags(entryFlags.preamble, timeMs, tags);
  }

  #appendTags(flags: number, timeMs: number, tags: readonly Tag[]): void {
    let length = 0;
    for (const tag of tags) length += this.#framing.framedLength(tag.type, tag.body.length, tag.timeMs);
    this.#log.claim(length, flags, timeMs);
    for (const tag of tags) this.#framing.write(this.#log, tag.type, tag.timeMs, this.#header, 0, tag.body);
    this.#log.commit();
  }

  #writeHeader(frame: Frame, track: FlvTrack, mode: TagMode): number {
    const { timescale } = frame.format;
    const ptsMs = wholeMs(frame.ptsTicks, timescale);
    const nanosecondOffset = this.#selection.hasNanoseconds
      ? rescaleTicks(frame.ptsTicks, timescale, 1_000_000_000) - ptsMs * 1_000_000
      : 0;
    if (frame.track.kind === "video") {
      const { video } = track;
      video.mode = mode;
      video.isKey = frame.isKey;
      video.packetType = "frame";
      const compositionTimeMs = ptsMs - wholeMs(frame.dtsTicks, timescale);
      video.compositionTimeMs = Math.max(-maxCompositionTimeMs, Math.min(maxCompositionTimeMs, compositionTimeMs));
      video.nanosecondOffset = nanosecondOffset;
      return writeVideoTagHeader(this.#header, 0, video);
    }
    const { audio } = track;
    audio.nanosecondOffset = nanosecondOffset;
    return writeAudioTagHeader(this.#header, 0, audio);
  }

  #describe(): Uint8Array {
    const fields: Record<string, AmfValue> = {};
    for (const [key, value] of this.#metadata.fields) if (!ownFields.has(key)) fields[key] = value;
    fields["duration"] = 0;
    const maps: Record<"video" | "audio", Record<string, AmfValue>> = { video: {}, audio: {} };
    for (const { track, format, mode } of this.#tracks.values()) {
      if (mode === undefined || track.kind === "data") continue;
      const described = describeTrack(track.kind, format, mode === "enhanced");
      if (track.number === 0) Object.assign(fields, described);
      else maps[track.kind][String(track.number)] = makeAmfObject(described);
    }
    // E-RTMP v2, "Enhanced onMetaData": what differs from the default track, by track id.
    if (Object.keys(maps.video).length > 0) fields["videoTrackIdInfoMap"] = makeAmfObject(maps.video);
    if (Object.keys(maps.audio).length > 0) fields["audioTrackIdInfoMap"] = makeAmfObject(maps.audio);
    fields["server"] = "Millrace";
    return writeOnMetaData(fields);
  }
}

interface Tag {
  readonly type: number;
  readonly timeMs: number;
  readonly body: Uint8Array;
}

/** FFmpeg takes an onMetaData whose time is not 0 for a subtitle, and waits for more of them. */
function metadataTag(body: Uint8Array): Tag {
  return { type: flvTagType.script, timeMs: 0, body };
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A track as this log writes it. The header options are kept and changed, not made anew for each frame. */
class FlvTrack {
  readonly track: Track;
  readonly format: TrackFormat;
  readonly mode: TagMode | undefined;
  readonly video: Mutable<VideoTagHeaderOptions>;
  readonly audio: Mutable<AudioTagHeaderOptions>;

  constructor(track: Track, format: TrackFormat, mode: TagMode | undefined) {
    this.track = track;
    this.format = format;
    this.mode = mode;
    this.video = {
      mode: mode ?? "enhanced",
      codec: format.codec as VideoCodecName,
      isKey: true,
      packetType: "frame",
      compositionTimeMs: 0,
      nanosecondOffset: 0,
      trackId: track.number,
    };
    this.audio = {
      mode: mode === "enhanced" ? "enhanced" : "legacy",
      codec: format.codec as FlvAudioCodecName,
      packetType: "frame",
      nanosecondOffset: 0,
      trackId: track.number,
      sampleRateHz: format.sampleRate ?? 44_100,
      channelCount: format.channels ?? 2,
    };
  }

  /** The sequence header, if the codec has one, and the description, if there is one. */
  configTags(timeMs: number): Tag[] {
    const tags: Tag[] = [];
    const { kind } = this.track;
    if (this.mode === undefined || kind === "data") return tags;
    if (this.format.config.length > 0) tags.push(this.#tag("sequence-start", this.format.config, timeMs));
    // Only the enhanced form has a place for it.
    if (this.format.description !== undefined && this.mode === "enhanced") {
      tags.push(this.#tag(kind === "video" ? "metadata" : "multichannel-config", this.format.description, timeMs));
    }
    return tags;
  }

  #tag(packetType: "sequence-start" | "metadata" | "multichannel-config", data: Uint8Array, timeMs: number): Tag {
    if (this.track.kind === "video") {
      assert(packetType !== "multichannel-config", "a channel map is a matter of sound");
      const options = { ...this.video, packetType, isKey: true, compositionTimeMs: 0, nanosecondOffset: 0 };
      const body = new Uint8Array(videoTagHeaderLength(options) + data.length);
      body.set(data, writeVideoTagHeader(body, 0, options));
      return { type: flvTagType.video, timeMs, body };
    }
    assert(packetType !== "metadata", "colour information is a matter of pictures");
    const options = { ...this.audio, packetType, nanosecondOffset: 0 };
    const body = new Uint8Array(audioTagHeaderLength(options) + data.length);
    body.set(data, writeAudioTagHeader(body, 0, options));
    return { type: flvTagType.audio, timeMs, body };
  }
}

function describeTrack(kind: "video" | "audio", format: TrackFormat, isEnhanced: boolean): Record<string, AmfValue> {
  const codecId = metadataCodecId(format.codec as FlvCodecName, isEnhanced);
  if (kind === "audio") {
    return {
      audiocodecid: codecId,
      ...(format.sampleRate === undefined ? {} : { audiosamplerate: format.sampleRate }),
      ...(format.channels === undefined ? {} : { audiochannels: format.channels, stereo: format.channels > 1 }),
    };
  }
  return {
    videocodecid: codecId,
    ...(format.width === undefined ? {} : { width: format.width }),
    ...(format.height === undefined ? {} : { height: format.height }),
    ...(format.fps === undefined ? {} : { framerate: format.fps }),
  };
}

/** Whole milliseconds, always rounded down, so that the difference of two times never jitters by the rounding. */
function wholeMs(ticks: number, timescale: number): number {
  if (timescale === 1000) return ticks;
  const seconds = Math.floor(ticks / timescale);
  return seconds * 1000 + Math.floor(((ticks - seconds * timescale) * 1000) / timescale);
}

/** The 32-bit time stamp that goes on the wire; it wraps after 49 days. */
function wireTimeMs(dtsTicks: number, timescale: number): number {
  return modulo(wholeMs(dtsTicks, timescale), 0x1_0000_0000);
}

/** 0 for a codec that FLV has no FourCC for. */
function bitOf(kind: string, codec: FlvCodecName): number {
  const index = flvCodecs.findIndex(([knownKind, known]) => knownKind === kind && known === codec);
  return index < 0 ? 0 : 1 << index;
}

/** Codecs that FLV has a FourCC for. */
const flvCodecs: readonly (readonly ["video" | "audio", FlvCodecName])[] = [
  ["video", "h264"],
  ["video", "h265"],
  ["video", "av1"],
  ["video", "vp8"],
  ["video", "vp9"],
  ["video", "vvc"],
  ["audio", "aac"],
  ["audio", "opus"],
  ["audio", "mp3"],
  ["audio", "ac3"],
  ["audio", "eac3"],
  ["audio", "flac"],
];

/** Fields of onMetaData that we say ourselves, or that are untrue of a live stream. */
const ownFields: ReadonlySet<string> = new Set([
  "duration",
  "filesize",
  "width",
  "height",
  "framerate",
  "videocodecid",
  "audiocodecid",
  "audiosamplerate",
  "audiochannels",
  "stereo",
  "server",
  "videoTrackIdInfoMap",
  "audioTrackIdInfoMap",
]);

/** Composition times are 24 bits signed: two hours, which only a broken clock reaches. */
const maxCompositionTimeMs = 0x7f_ffff;

/** The longest tag header: type, ModEx with its nanoseconds, multitrack, FourCC, track id and composition time are 17 bytes. */
const maxTagHeaderBytes = 32;
