/**
 * Feeds FLV tags to a media element through mpegts.js.
 *
 * mpegts.js repackages FLV as fragmented MP4 and drives Media Source Extensions. It does not load anything here: the
 * connection is ours, because only so can the page see tracks and codecs before a decoder does, and measure what arrives.
 */

import type Mpegts from "mpegts.js";
import { type FlvHeader, flvFileHeader } from "./flv-splitter.ts";

export interface MediaInfo {
  readonly width: number | undefined;
  readonly height: number | undefined;
  /** As the parameter sets say, which is often nothing or a guess; see StreamMeter for what is measured. */
  readonly profile: string | undefined;
  readonly level: string | undefined;
  readonly sampleRateHz: number | undefined;
  readonly channelCount: number | undefined;
}

export interface SinkEvents {
  info(info: MediaInfo): void;
  failed(reason: string): void;
}

type Library = typeof Mpegts;

/** Loaded beside the page, not before it: the page can say what is wrong before 275 KB of player have come. */
const library: Promise<Library> = import("mpegts.js").then((module) => module.default);

/** Behind the playing position that much stays in the browser's buffer, for the decoder's key frame; more is only memory. */
const keepBehindSeconds = { least: 10, most: 20 };

export class MseSink {
  readonly #player: Mpegts.Player;
  #loader: Mpegts.BaseLoader | undefined;
  /** What came before the media source was open. */
  #pending: Uint8Array<ArrayBuffer>[];
  #fedBytes = 0;
  #isClosing = false;
  readonly #failed: (reason: string) => void;

  /** `proceed` is asked once the library has come, just before the element is used; false: nothing is made. */
  static async create(
    element: HTMLMediaElement,
    tracks: FlvHeader,
    events: SinkEvents,
    proceed: () => boolean,
  ): Promise<MseSink | undefined> {
    const mpegts = await library;
    return proceed() ? new MseSink(mpegts, element, tracks, events) : undefined;
  }

  private constructor(mpegts: Library, element: HTMLMediaElement, tracks: FlvHeader, events: SinkEvents) {
    mpegts.LoggingControl.applyConfig({ enableAll: false });
    this.#failed = events.failed;
    this.#pending = [flvFileHeader(tracks)];
    this.#player = mpegts.createPlayer(
      { type: "flv", isLive: true, url: "", ...tracks },
      {
        customLoader: this.#loaderClass(mpegts),
        enableStashBuffer: false,
        lazyLoad: false,
        autoCleanupSourceBuffer: true,
        autoCleanupMinBackwardDuration: keepBehindSeconds.least,
        autoCleanupMaxBackwardDuration: keepBehindSeconds.most,
      },
    );
    this.#player.on(mpegts.Events.MEDIA_INFO, (info: Record<string, unknown>) => events.info(mediaInfo(info)));
    this.#player.on(mpegts.Events.ERROR, (type: unknown, detail: unknown, info: { msg?: string } | undefined) => {
      if (!this.#isClosing) events.failed(info?.msg ?? `${type}: ${detail}`);
    });
    this.#player.attachMediaElement(element);
    this.#player.load();
  }

  /** Takes whole tags, in order. */
  append(tags: Uint8Array<ArrayBuffer>[]): void {
    if (tags.length === 0 || this.#isClosing) return;
    this.#pending.push(...tags);
    if (this.#loader !== undefined) this.#flush(this.#loader);
  }

  /** No more tags will come: what has come is played to its end. */
  end(): void {
    if (this.#loader !== undefined) this.#loader.onComplete(0, this.#fedBytes - 1);
  }

  destroy(): void {
    this.#isClosing = true;
    this.#player.destroy();
  }

  #flush(loader: Mpegts.BaseLoader): void {
    // mpegts.js recognises FLV by header and first tag together, so the header never goes alone.
    if (this.#fedBytes === 0 && this.#pending.length < 2) return;
    const chunk = concatenated(this.#pending);
    this.#pending = [];
    const from = this.#fedBytes;
    this.#fedBytes += chunk.byteLength;
    try {
      loader.onDataArrival(chunk, from, this.#fedBytes);
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
    }
  }

  /** A loader that loads nothing: mpegts.js opens it when the media source is ready to take data. */
  #loaderClass(mpegts: Library): Mpegts.CustomLoaderConstructor {
    const opened = (loader: Mpegts.BaseLoader): void => {
      this.#loader = loader;
      this.#flush(loader);
    };
    const aborted = (): void => {
      // Aborting is how mpegts.js pauses when the browser's buffer is full; a live stream can only start again.
      if (!this.#isClosing) this.#failed("the browser's media buffer is full");
    };
    return class extends mpegts.BaseLoader {
      constructor() {
        super("millrace");
      }
      override open(): void {
        this._status = mpegts.LoaderStatus.kBuffering;
        queueMicrotask(() => opened(this));
      }
      override abort(): void {
        this._status = mpegts.LoaderStatus.kComplete;
        aborted();
      }
    };
  }
}

function mediaInfo(info: Record<string, unknown>): MediaInfo {
  const number = (name: string): number | undefined => (typeof info[name] === "number" ? info[name] : undefined);
  const text = (name: string): string | undefined => (typeof info[name] === "string" ? info[name] : undefined);
  return {
    width: number("width"),
    height: number("height"),
    profile: text("profile"),
    level: text("level"),
    sampleRateHz: number("audioSampleRate"),
    channelCount: number("audioChannelCount"),
  };
}

function concatenated(parts: Uint8Array[]): ArrayBuffer {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole.buffer;
}
