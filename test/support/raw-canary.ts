/** A stream that others are not to disturb: numbered frames from a publisher to a player, counted while a server is attacked. */

import { expect } from "vitest";
import { sequenceHeader } from "../../bench/support/sequence-header.ts";
import { readU32 } from "../../src/bytes/byte-reader.ts";
import { writeU32 } from "../../src/bytes/byte-writer.ts";
import { flvTagType } from "../../src/formats/flv/tag.ts";
import { FlvClient } from "./flv-client.ts";
import { RtmpTestClient } from "./rtmp-client.ts";
import type { TestServer } from "./server.ts";
import { waitFor } from "./wait.ts";

export class Canary implements AsyncDisposable {
  readonly #publisher: RtmpTestClient;
  readonly #player: FlvClient;
  readonly #sentAtMs: number[] = [];
  readonly #startedAtMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  static async start(server: TestServer, name = "canary/bird"): Promise<Canary> {
    const publisher = new RtmpTestClient(server.rtmpUrl(name), { role: "publish" });
    await publisher.ready;
    publisher.send(flvTagType.video, 0, sequenceHeader());
    publisher.send(flvTagType.video, 0, numberedFrame(0, true, frameBytes));
    const player = FlvClient.http(server.httpUrl(`/${name}.flv`));
    await waitFor("the canary's first frame", () => player.tags.some(({ type }) => type === flvTagType.video));
    return new Canary(publisher, player);
  }

  private constructor(publisher: RtmpTestClient, player: FlvClient) {
    this.#publisher = publisher;
    this.#player = player;
    this.#sentAtMs.push(this.#startedAtMs);
    this.#timer = setInterval(() => this.#send(), intervalMs);
  }

  /** Every frame so far has come, once, in order; and none took longer than `maxDelayMs`. */
  async expectNothingLost(maxDelayMs = 1_000): Promise<void> {
    const sentCount = this.#sentAtMs.length;
    await waitFor(
      `frame ${sentCount - 1} of the canary`,
      () => (this.#numbers().at(-1)?.number ?? -1) >= sentCount - 1,
    );
    const frames = this.#numbers();
    const wrong = frames.findIndex(({ number }, index) => number !== index);
    expect(wrong, "the first frame of the canary that is not where it belongs").toBe(-1);
    let delayMs = 0;
    for (const { number, atMs } of frames) delayMs = Math.max(delayMs, atMs - (this.#sentAtMs[number] ?? atMs));
    expect(delayMs, "the canary's longest delay").toBeLessThan(maxDelayMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#player[Symbol.dispose]();
    await this.#publisher.destroy();
  }

  #send(): void {
    const number = this.#sentAtMs.length;
    this.#sentAtMs.push(performance.now());
    this.#publisher.send(flvTagType.video, number * intervalMs, numberedFrame(number, number % gop === 0, frameBytes));
  }

  #numbers(): { number: number; atMs: number }[] {
    return this.#player.tags
      .filter(({ type, body }) => type === flvTagType.video && body[1] === 1)
      .map(({ body, atMs }) => ({ number: frameNumber(body), atMs }));
  }
}

/** The body of an FLV video tag: H.264, one NAL unit with a number in it. */
export function numberedFrame(number: number, isKey: boolean, byteLength: number): Uint8Array {
  const body = new Uint8Array(byteLength).fill(0x55);
  body.set([isKey ? 0x17 : 0x27, 1, 0, 0, 0]);
  writeU32(body, 5, byteLength - 9);
  body[9] = isKey ? 0x65 : 0x41;
  writeU32(body, 10, number);
  return body;
}

/** What {@link numberedFrame} put in. */
export function frameNumber(body: Uint8Array): number {
  return readU32(body, 10);
}

const intervalMs = 20;
const gop = 50;
const frameBytes = 1_000;
