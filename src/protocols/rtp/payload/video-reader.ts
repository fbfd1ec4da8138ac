/**
 * From packets to access units of video, the same for all codecs: where units begin and end, which are damaged, and where it
 * goes on after a loss. What is inside of a payload knows the {@link VideoDepacketizer} of the codec.
 *
 * Units end at the marker and at a new timestamp (RFC 6184 §5.1 and its siblings). Senders do not all keep to it, so: what has no
 * picture in it, as parameter sets with a marker or a timestamp of their own, goes with the next unit; and a sender that goes on
 * with a unit behind its marker has its markers ignored from then on.
 */

import { Fifo } from "../../fifo.ts";
import type { RtpFrame, RtpPayloadReader, UnitProgress } from "../payload.ts";
import { FrameBuffer } from "./frame-buffer.ts";

/** What can be told of a payload alone: it begins an access unit, it is certain that it goes on with one, or neither. */
export type PayloadPlace = "begin" | "continue" | "unknown";

export interface VideoDepacketizer {
  placeOf(payload: Uint8Array): PayloadPlace;
  /** Appends what is in the payload, which is not empty. A CodedError costs the unit. */
  read(payload: Uint8Array, frame: FrameBuffer): void;
  /** The unit has a picture, or the beginning of one. */
  readonly hasPicture: boolean;
  /** No fragment is waited for. */
  readonly isWhole: boolean;
  /** A decoder can start at the unit. */
  readonly isKey: boolean;
  /** Enough of the picture is there to say so. */
  readonly isKeyKnown: boolean;
  /** What a decoder has to know to start is in the unit, as far as it has come. */
  readonly hasConfig: boolean;
  /** All payloads so far were as the payload format wants them. */
  readonly isPlain: boolean;
  /** No other unit refers to this one. */
  readonly isDisposable: boolean;
  /** The unit refers to some from before the last key frame, as RASL pictures of H.265 do. */
  readonly isLeading: boolean;
  /** The configuration, when it is another than the last time. */
  takeConfig(): Uint8Array | undefined;
  /** Called once when the unit is complete, before it leaves. */
  finish?(frame: FrameBuffer): void;
  /** Forgets the unit; what it told of the configuration stays. */
  reset(): void;
}

export class VideoPayloadReader implements RtpPayloadReader {
  readonly #depacketizer: VideoDepacketizer;
  readonly #buffer = new FrameBuffer();
  readonly #frames = new Fifo<RtpFrame>();
  readonly #progress = { isFirst: false, isKnown: false, isKey: false, isDecodable: false, hasConfig: false };
  #droppedFrameCount = 0;
  #waitingFrameCount = 0;
  /** Packets of a unit have come, and not its end. */
  #isOpen = false;
  #isDamaged = false;
  #timestamp = 0;
  /** Pictures that later ones may refer to are missing. */
  #needsKey = false;
  /** The last key frame was one after a loss: leading pictures refer to what was lost. */
  #skipsLeading = false;
  /** The timestamp of the last unit that ended at a marker; -1 when it ended otherwise. */
  #endedTimestamp = -1;
  #trustsMarker = true;

  constructor(depacketizer: VideoDepacketizer) {
    this.#depacketizer = depacketizer;
  }

  get droppedFrameCount(): number {
    return this.#droppedFrameCount;
  }

  get waitingFrameCount(): number {
    return this.#waitingFrameCount;
  }

  get progress(): UnitProgress {
    return this.#progress;
  }

  get isPlain(): boolean {
    return this.#trustsMarker && this.#depacketizer.isPlain;
  }

  handle(payload: Uint8Array, timestamp: number, marker: boolean, isLossBefore: boolean): void {
    if (isLossBefore) this.#handleLoss(timestamp);
    if (payload.length === 0) return; // probes of a browser's bandwidth estimation, and keep-alives
    if (this.#isOpen && timestamp !== this.#timestamp) this.#handleNewTime(timestamp);
    this.#progress.isFirst = !this.#isOpen;
    if (!this.#isOpen) this.#open(payload, timestamp, isLossBefore);
    if (!this.#isDamaged) {
      try {
        this.#depacketizer.read(payload, this.#buffer);
      } catch (error) {
        this.#damage();
        this.#noteProgress();
        if (marker && this.#trustsMarker) this.#end(timestamp);
        throw error;
      }
    }
    this.#noteProgress();
    if (marker && this.#trustsMarker && (this.#isDamaged || this.#depacketizer.hasPicture)) this.#end(timestamp);
  }

  poll(): RtpFrame | undefined {
    return this.#frames.shift();
  }

  #handleLoss(timestamp: number): void {
    if (!this.#isOpen) {
      this.#needsKey = true;
    } else if (!this.#depacketizer.hasPicture && !this.#isDamaged) {
      // Only what goes before a picture: nobody misses it.
      this.#isOpen = false;
      this.#forget();
      this.#needsKey = true;
    } else if (timestamp === this.#timestamp && this.#depacketizer.isDisposable) {
      this.#isDamaged = true; // all that is missing is of this unit
    } else {
      this.#damage();
    }
  }

  #handleNewTime(timestamp: number): void {
    if (this.#isDamaged || this.#depacketizer.hasPicture) this.#end(-1);
    else this.#timestamp = timestamp;
  }

  #open(payload: Uint8Array, timestamp: number, isLossBefore: boolean): void {
    const place = this.#depacketizer.placeOf(payload);
    this.#isOpen = true;
    this.#timestamp = timestamp;
    // Behind a loss, the beginning of a unit may be what is missing.
    this.#isDamaged = isLossBefore && place !== "begin";
    if (place === "continue" && timestamp === this.#endedTimestamp && !isLossBefore) {
      this.#trustsMarker = false;
      this.#damage();
    }
  }

  #noteProgress(): void {
    const { hasPicture, isKey, isKeyKnown, hasConfig } = this.#depacketizer;
    const progress = this.#progress;
    progress.isKnown = this.#isDamaged || (hasPicture && isKeyKnown);
    progress.isKey = !this.#isDamaged && isKey;
    progress.isDecodable = !this.#isDamaged && !this.#isWaiting();
    progress.hasConfig = hasConfig;
  }

  /** The unit refers to something that is missing: the next key frame is where it goes on. */
  #isWaiting(): boolean {
    const { isKey, isLeading } = this.#depacketizer;
    return !isKey && (this.#needsKey || (this.#skipsLeading && isLeading));
  }

  /** Nothing of the unit is kept; at its end it counts as one that others may refer to. */
  #damage(): void {
    this.#isDamaged = true;
    this.#forget();
  }

  /** The unit is at its end: out with it, one way or the other. */
  #end(endedTimestamp: number): void {
    const depacketizer = this.#depacketizer;
    this.#isOpen = false;
    this.#endedTimestamp = endedTimestamp;
    const { isKey, isDisposable } = depacketizer;
    const isWhole = !this.#isDamaged && depacketizer.isWhole;
    if (!isWhole && !isDisposable) this.#needsKey = true;
    if (!isWhole || this.#isWaiting()) {
      this.#droppedFrameCount++;
      if (isWhole) this.#waitingFrameCount++;
      this.#forget();
      return;
    }
    if (isKey) {
      this.#skipsLeading = this.#needsKey;
      this.#needsKey = false;
    }
    depacketizer.finish?.(this.#buffer);
    const config = depacketizer.takeConfig();
    const frame = { timestamp: this.#timestamp, data: this.#buffer.take(), isKey };
    this.#frames.push(config === undefined ? frame : { ...frame, config });
    depacketizer.reset();
  }

  #forget(): void {
    this.#buffer.clear();
    this.#depacketizer.reset();
  }
}
