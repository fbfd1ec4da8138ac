/** The tags of an FLV file, to be sent by a raw publisher as they are or changed. */

import { readFileSync } from "node:fs";
import { FlvReader, type FlvTag } from "../../src/formats/flv/flv-reader.ts";
import type { RtmpTestClient } from "./rtmp-client.ts";

export function readFlvFile(path: string): FlvTag[] {
  const reader = new FlvReader();
  reader.handle(readFileSync(path));
  const tags: FlvTag[] = [];
  for (let tag = reader.poll(); tag !== undefined; tag = reader.poll()) tags.push(tag);
  return tags;
}

/** Sends tags four times as fast as their times say: a test need not take as long as its stream. */
export async function sendTags(
  client: RtmpTestClient,
  tags: readonly FlvTag[],
  times: readonly FlvTag[] = tags,
): Promise<void> {
  const startedAtMs = performance.now();
  const firstMs = times[0]?.timestampMs ?? 0;
  for (const [index, { type, timestampMs, body }] of tags.entries()) {
    const dueMs = startedAtMs + (times[index]!.timestampMs - firstMs) / 4;
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    client.send(type, timestampMs, body);
  }
}

/** Sends tags all at once, as an encoder does that was cut off for a while. */
export function sendTagsAtOnce(client: RtmpTestClient, tags: readonly FlvTag[]): void {
  for (const { type, timestampMs, body } of tags) client.send(type, timestampMs, body);
}
