/** What kernel tests are made of: a clock that is turned by hand, tracks, and a wire format that puts frames on the wire as they are. */

import type { Packetizer, WireFormat } from "../../src/kernel/egress.ts";
import type { EgressLog } from "../../src/kernel/egress-log.ts";
import type { Frame, Track, TrackFormat } from "../../src/kernel/frame.ts";
import { entryFlags } from "../../src/kernel/log-layout.ts";
import { LogReader } from "../../src/kernel/log-reader.ts";
import type { Publication } from "../../src/kernel/publication.ts";
import type { Clock } from "../../src/kernel/services.ts";

export class ManualClock implements Clock {
  nowMs = 1_000;
  monotonicMs = (): number => this.nowMs;
  wallMs = (): number => 1_700_000_000_000 + this.nowMs;
}

export const videoFormat: TrackFormat = {
  codec: "h264",
  timescale: 1000,
  config: Uint8Array.of(1, 2, 3),
  codecString: "avc1.64001f",
};

export const audioFormat: TrackFormat = {
  codec: "aac",
  timescale: 48_000,
  config: Uint8Array.of(0x11, 0x90),
  codecString: "mp4a.40.2",
};

/** `text` as bytes; frames of tests are words. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.slice());
}

/** Publishes words as video frames, 40 ms apart; one that begins with `K` is a key frame. */
export class WordPublisher {
  readonly publication: Publication;
  readonly track: Track;
  timeMs: number;

  constructor(publication: Publication) {
    this.publication = publication;
    this.track = publication.setTrack("video", 0, videoFormat);
    this.timeMs = publication.startMs;
  }

  publish(...words: readonly string[]): void {
    for (const word of words) {
      this.publication.publish(this.track, this.timeMs, this.timeMs, word.startsWith("K"), bytesOf(word));
      this.timeMs += 40;
    }
  }
}

/** Frames as they are, one entry each; before a random access point the preamble `<P>`. */
export function plainFormat(key: string, formats: ReadonlyMap<Track, TrackFormat>[] = []): WireFormat {
  return {
    key,
    createPacketizer(log, known) {
      formats.push(known);
      return new PlainPacketizer(log);
    },
  };
}

class PlainPacketizer implements Packetizer {
  readonly #log: EgressLog;

  constructor(log: EgressLog) {
    this.#log = log;
  }

  handleFrame(frame: Frame, isRandomAccess: boolean): void {
    const timeMs = frame.dtsTicks;
    if (isRandomAccess) append(this.#log, preambleBytes, entryFlags.preamble, timeMs);
    const key = frame.isKey ? entryFlags.key : 0;
    append(this.#log, frame.data, key | entryFlags.endOfFrame, timeMs);
  }

  handleMetadata(): void {}
}

const preambleBytes = bytesOf("<P>");

export function append(log: EgressLog, bytes: Uint8Array, flags: number, timeMs = 0): void {
  log.claim(bytes.length, flags, timeMs);
  log.write(bytes);
  log.commit();
}

/** What a subscriber gets that starts at the newest random access point now. */
export function startText(log: EgressLog): string {
  const reader = new LogReader(log.memory);
  reader.refresh();
  const entry = reader.randomAccessEntry();
  if (entry < 0) return "";
  return reader.gather(entry, true, Number.POSITIVE_INFINITY).views.map(textOf).join("");
}

/** The code of the error that `work` throws; fails when it throws none, or one without a code. */
export function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return errorCode(error);
  }
  throw new Error("nothing was thrown");
}

export async function rejectionCode(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return errorCode(error);
  }
  throw new Error("nothing was thrown");
}

function errorCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  throw error;
}
