/** A publisher's hold on its stream: the only way frames come in, and there is one at a time. */

import { CodedError } from "../bytes/coded-error.ts";
import type { Packet } from "./egress.ts";
import { ERR_PUBLICATION_ENDED } from "./errors.ts";
import type { Track, TrackFormat, TrackKind } from "./frame.ts";
import type { StreamMetadata } from "./metadata.ts";
import type { Stream } from "./stream.ts";

export interface PublicationOptions {
  readonly protocol: string;
  readonly address: string;
  /** Where this publisher's frames begin on the stream's timeline: 0, or behind those of the publisher before. */
  readonly startMs: number;
  /** Told when the engine ends the publication (timeout, shutdown): close the session. */
  readonly onEnd: (reason: string) => void;
  /** The engine's book-keeping. */
  readonly ended: (publication: Publication, reason: string) => void;
}

export class Publication {
  readonly stream: Stream;
  readonly protocol: string;
  readonly address: string;
  readonly startMs: number;
  readonly #options: PublicationOptions;
  /** Frames and packets. */
  #arrivalCount = 0;
  #arrivalCountSeen = 0;
  #quietSinceMs: number;
  #isEnded = false;

  /** Made by the engine. */
  constructor(stream: Stream, options: PublicationOptions, nowMs: number) {
    this.stream = stream;
    this.protocol = options.protocol;
    this.address = options.address;
    this.startMs = options.startMs;
    this.#options = options;
    this.#quietSinceMs = nowMs;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The track of this kind and number; `format` holds from its next frame on. @throws `ERR_LIMIT_REACHED` */
  setTrack(kind: TrackKind, number: number, format: TrackFormat): Track {
    this.#check();
    return this.stream.setTrack(kind, number, format);
  }

  /**
   * Publishes one frame.
   *
   * @param ptsTicks - presentation time in ticks of the track's timescale, 0 being the start of the stream
   * @param dtsTicks - decoding time; frames of a track come in its order
   * @param data - the access unit as docs/frames.md says; lent: the kernel copies what it keeps
   * @param cameAsPackets - its packets were published before, from the first one on
   */
  publish(
    track: Track,
    ptsTicks: number,
    dtsTicks: number,
    isKey: boolean,
    data: Uint8Array,
    cameAsPackets = false,
  ): void {
    this.#check();
    this.#arrivalCount++;
    this.stream.append(track, ptsTicks, dtsTicks, isKey, data, cameAsPackets);
  }

  /** Publishes a packet of a frame that is not whole yet, of a track that has had frames. The frame is published as well. */
  publishPacket(packet: Packet): void {
    this.#check();
    this.#arrivalCount++;
    this.stream.appendPacket(packet);
  }

  updateMetadata(changes: Partial<StreamMetadata>): void {
    this.#check();
    this.stream.updateMetadata(changes);
  }

  /** The publisher is done. The stream stays for its idle time, so that the publisher may come back. */
  end(reason = "the publisher left"): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#options.ended(this, reason);
  }

  /** Ends it from the engine's side; the session is told. */
  evict(reason: string): void {
    if (this.#isEnded) return;
    this.end(reason);
    this.#options.onEnd(reason);
  }

  /** How long nothing has come; asked on every tick. */
  quietMs(nowMs: number): number {
    if (this.#arrivalCount !== this.#arrivalCountSeen) {
      this.#arrivalCountSeen = this.#arrivalCount;
      this.#quietSinceMs = nowMs;
    }
    return nowMs - this.#quietSinceMs;
  }

  #check(): void {
    if (this.#isEnded) {
      throw new CodedError(ERR_PUBLICATION_ENDED, `the publication of ${this.stream.name.key} is over`);
    }
  }
}
