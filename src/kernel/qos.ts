/** What a stream carries: totals, and rates measured over about one second. */

import type { Frame } from "./frame.ts";

/** Rates over the last whole window, in bits and frames a second. */
export interface QosRates {
  readonly videoBitRate: number;
  readonly audioBitRate: number;
  readonly fps: number;
}

export interface QosTotals {
  readonly videoFrameCount: number;
  readonly audioFrameCount: number;
  readonly dataFrameCount: number;
  readonly keyFrameCount: number;
  readonly byteCount: number;
  /** Frames whose decoding time went back and was held. */
  readonly heldTimestampCount: number;
}

export class QosMeter {
  #rates: QosRates = { videoBitRate: 0, audioBitRate: 0, fps: 0 };
  #windowStartMs: number;
  #windowVideoBytes = 0;
  #windowAudioBytes = 0;
  #windowVideoFrames = 0;
  #videoFrameCount = 0;
  #audioFrameCount = 0;
  #dataFrameCount = 0;
  #keyFrameCount = 0;
  #byteCount = 0;
  #heldTimestampCount = 0;

  constructor(nowMs: number) {
    this.#windowStartMs = nowMs;
  }

  get rates(): QosRates {
    return this.#rates;
  }

  get totals(): QosTotals {
    return {
      videoFrameCount: this.#videoFrameCount,
      audioFrameCount: this.#audioFrameCount,
      dataFrameCount: this.#dataFrameCount,
      keyFrameCount: this.#keyFrameCount,
      byteCount: this.#byteCount,
      heldTimestampCount: this.#heldTimestampCount,
    };
  }

  add(frame: Frame): void {
    const length = frame.data.length;
    this.#byteCount += length;
    switch (frame.track.kind) {
      case "video":
        this.#videoFrameCount++;
        if (frame.isKey) this.#keyFrameCount++;
        this.#windowVideoBytes += length;
        if (frame.track.number === 0) this.#windowVideoFrames++;
        break;
      case "audio":
        this.#audioFrameCount++;
        this.#windowAudioBytes += length;
        break;
      case "data":
        this.#dataFrameCount++;
        break;
    }
  }

  addHeldTimestamp(): void {
    this.#heldTimestampCount++;
  }

  /** Closes the window when a second has passed. Called about twice a second. */
  tick(nowMs: number): void {
    const elapsedMs = nowMs - this.#windowStartMs;
    if (elapsedMs < windowMs) return;
    const perSecond = 1000 / elapsedMs;
    this.#rates = {
      videoBitRate: Math.round(this.#windowVideoBytes * 8 * perSecond),
      audioBitRate: Math.round(this.#windowAudioBytes * 8 * perSecond),
      fps: Math.round(this.#windowVideoFrames * perSecond * 100) / 100,
    };
    this.#windowStartMs = nowMs;
    this.#windowVideoBytes = 0;
    this.#windowAudioBytes = 0;
    this.#windowVideoFrames = 0;
  }
}

const windowMs = 1000;
