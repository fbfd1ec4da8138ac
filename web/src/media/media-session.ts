/**
 * One attempt at playing: a connection, the tracks found in it, and the sink that decodes them. It ends once and says why;
 * what to do about that is the player's business (live-player.ts).
 */

import type { Transport } from "../address.ts";
import { audioCodec, type Codec, canDecode, videoCodec } from "./codecs.ts";
import { type Connection, openConnection } from "./connection.ts";
import { FlvSplitter, type FlvTag } from "./flv-splitter.ts";
import { type MediaInfo, MseSink } from "./mse-sink.ts";
import { StreamMeter } from "./stream-meter.ts";
import { Timeline } from "./timeline.ts";

export type SessionEnd =
  /** The connection ended, or it is dead. */
  | { readonly kind: "closed" | "silent"; readonly gotMedia: boolean }
  /** Another track, another codec, or a timeline that jumped: decoders have to start again. */
  | { readonly kind: "changed" }
  | { readonly kind: "unplayable"; readonly codecs: readonly Codec[] }
  | { readonly kind: "failed"; readonly reason: string };

export interface TrackSet {
  readonly video: Codec | undefined;
  readonly audio: Codec | undefined;
  /** Tracks the stream has and this browser can't decode; the others are played without them. */
  readonly leftOut: readonly Codec[];
}

export interface SessionEvents {
  tracks(tracks: TrackSet): void;
  info(info: MediaInfo): void;
  /** The element is this session's from here on: called just before it is used. */
  takesElement(): void;
  ready(): void;
  /** Nothing has come for some seconds; said again while that lasts. */
  silent(): void;
  ended(end: SessionEnd): void;
}

/** A publisher that is there sends several times a second. */
const silenceMs = 3_000;
/** The server keeps a stream for a publisher that returns, 15 s by default; silence beyond that is a dead connection. */
const deadAfterMs = 20_000;
/** The newest group of pictures is sent at once: when not even its beginning comes, this way of transport is blocked. */
const firstMediaMs = 4_000;
/** FLV's header may promise a track that never comes, or keep quiet about one that does: wait this long for the second. */
const secondTrackWaitMs = 600;
/** The newest group of pictures comes at once; 10 s at 50 Mb/s is the most a browser should be made to hold unplayed. */
const maxQueuedBytes = 64 * 1024 * 1024;

interface FoundTrack {
  readonly codec: Codec;
  configuration: Uint8Array;
  isReady: boolean;
}

/** Audio whose frames say everything: no configuration comes before the first one. */
const selfDescribing: ReadonlySet<Codec> = new Set([audioCodec("2")]);

export class MediaSession {
  readonly meter: StreamMeter = new StreamMeter();
  readonly #element: HTMLMediaElement;
  readonly #events: SessionEvents;
  readonly #connection: Connection;
  readonly #splitter = new FlvSplitter();
  readonly #timeline = new Timeline();
  readonly #found: { video?: FoundTrack; audio?: FoundTrack } = {};
  /** Undefined until the tracks are decided: then the kinds that are played. */
  #played: ReadonlySet<string> | undefined;
  #queue: FlvTag[] = [];
  #queuedBytes = 0;
  #sink: MseSink | undefined;
  #decideTimer: number | undefined;
  #silenceTimer: number | undefined;
  #isOver = false;

  constructor(transport: Transport, url: string, element: HTMLMediaElement, events: SessionEvents) {
    this.#element = element;
    this.#events = events;
    this.#watchSilence();
    this.#connection = openConnection(transport, url, {
      bytes: (bytes) => this.#receive(bytes),
      ended: () => {
        this.#sink?.end();
        this.#end({ kind: "closed", gotMedia: this.#played !== undefined });
      },
    });
  }

  /** Stops receiving; the last picture stays on the element. */
  close(): void {
    this.#isOver = true;
    clearTimeout(this.#decideTimer);
    clearTimeout(this.#silenceTimer);
    this.#connection.close();
  }

  /** Gives the element back. */
  destroy(): void {
    this.close();
    this.#sink?.destroy();
    this.#sink = undefined;
  }

  #receive(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#watchSilence();
    this.meter.addBytes(bytes.length, performance.now());
    let tags: FlvTag[];
    try {
      tags = this.#splitter.push(bytes);
    } catch (error) {
      this.#end({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
      return;
    }
    for (const tag of tags) {
      if (this.#isOver) return;
      this.#take(tag);
    }
    if (this.#played !== undefined) this.#feed();
    else if (this.#areTracksComplete()) this.#decide();
  }

  #take(tag: FlvTag): void {
    if (tag.kind !== "script" && tag.role !== "other") {
      const track = this.#trackOf(tag.kind, tag);
      if (track === undefined) return;
      if (tag.role === "config") track.configuration = tag.configuration;
      track.isReady ||= tag.role === "config" || track.codec.mimeType === undefined || selfDescribing.has(track.codec);
      if (tag.role === "frame" && !this.#timeline.rebase(tag)) {
        this.#end({ kind: "changed" });
        return;
      }
      if (tag.role === "frame" && tag.kind === "video") this.meter.addVideoFrame(tag.timestampMs);
    }
    this.#queue.push(tag);
    this.#queuedBytes += tag.bytes.length;
    if (this.#queuedBytes > maxQueuedBytes) this.#end({ kind: "failed", reason: "more media than the browser takes" });
  }

  /** The track a tag belongs to; undefined (and the session over) when it is not one of those being played. */
  #trackOf(kind: "audio" | "video", tag: FlvTag): FoundTrack | undefined {
    const known = this.#found[kind];
    if (known?.codec.id === tag.codecId) return known;
    if (this.#played !== undefined) {
      this.#end({ kind: "changed" });
      return undefined;
    }
    const codec = kind === "video" ? videoCodec(tag.codecId) : audioCodec(tag.codecId);
    const track: FoundTrack = { codec, configuration: new Uint8Array(0), isReady: false };
    this.#found[kind] = track;
    this.#decideTimer ??= setTimeout(() => this.#decide(), secondTrackWaitMs);
    return track;
  }

  #areTracksComplete(): boolean {
    const { header } = this.#splitter;
    const { video, audio } = this.#found;
    if (header === undefined || (video === undefined && audio === undefined)) return false;
    return (!header.hasVideo || video?.isReady === true) && (!header.hasAudio || audio?.isReady === true);
  }

  #decide(): void {
    if (this.#isOver || this.#played !== undefined) return;
    clearTimeout(this.#decideTimer);
    const { video, audio } = this.#found;
    const found = [video, audio].filter((track) => track !== undefined);
    const playable = found.filter((track) => track.isReady && canDecode(track.codec, track.configuration));
    const leftOut = found.filter((track) => !playable.includes(track)).map((track) => track.codec);
    this.#events.tracks({ video: video?.codec, audio: audio?.codec, leftOut });
    if (playable.length === 0) {
      this.#end({ kind: "unplayable", codecs: leftOut });
      return;
    }

    const kinds = new Set<string>(playable.map((track) => track.codec.kind));
    this.#played = kinds;
    this.#createSink({ hasVideo: kinds.has("video"), hasAudio: kinds.has("audio") }).catch((error: unknown) => {
      this.#end({ kind: "failed", reason: `the player could not be loaded: ${error}` });
    });
  }

  async #createSink(tracks: { hasVideo: boolean; hasAudio: boolean }): Promise<void> {
    const sink = await MseSink.create(
      this.#element,
      tracks,
      {
        info: (info) => this.#events.info(info),
        failed: (reason) => this.#end({ kind: "failed", reason }),
      },
      () => {
        if (this.#isOver) return false;
        this.#events.takesElement();
        return true;
      },
    );
    if (sink === undefined) return;
    this.#sink = sink;
    this.#feed();
    this.#events.ready();
  }

  #feed(): void {
    if (this.#sink === undefined) return;
    const accepted = this.#queue.filter((tag) => tag.role !== "other" && this.#played?.has(tag.kind) === true);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#sink.append(accepted.map((tag) => tag.bytes));
  }

  #watchSilence(): void {
    clearTimeout(this.#silenceTimer);
    const waitMs = this.#played === undefined ? firstMediaMs : silenceMs;
    this.#silenceTimer = setTimeout(() => this.#onSilence(), waitMs);
  }

  #onSilence(): void {
    const gotMedia = this.#played !== undefined;
    const silentMs = performance.now() - (this.meter.lastArrivalMs ?? 0);
    if (!gotMedia || silentMs >= deadAfterMs) {
      this.#end({ kind: "silent", gotMedia });
      return;
    }
    this.#watchSilence();
    this.#events.silent();
  }

  #end(end: SessionEnd): void {
    if (this.#isOver) return;
    this.close();
    this.#events.ended(end);
  }
}
