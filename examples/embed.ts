/**
 * The kernel in any Node process: one publisher, one subscriber, no sockets. Run it with `node examples/embed.ts`.
 *
 * The frames here hold text, because the kernel does not look into them. Which bytes the frames of a real codec hold is
 * written in docs/frames.md.
 */

import { log } from "node:console";
import { setTimeout as sleep } from "node:timers/promises";
import { Engine, type Publication, type TrackFormat } from "millrace";

const engine = new Engine();

const publication = await engine.publish({ name: "live/cam", protocol: "example" });
const publishing = publishPictures(publication);

// The subscriber starts at the newest key frame, waits for what comes, and finds the end by itself.
for await (const item of await engine.subscribe({ name: "live/cam", protocol: "example" })) {
  if (item.type === "lag") {
    log(`too slow: ${item.skippedFrameCount} frames are missing here`);
    continue;
  }
  const { ptsTicks, isKey, format, data } = item;
  log(`${ptsTicks / format.timescale} s ${isKey ? "key  " : "delta"} ${new TextDecoder().decode(data)}`);
}

await publishing;

async function publishPictures({ stream }: Publication): Promise<void> {
  const format: TrackFormat = { codec: "h264", timescale: 1000, config: new Uint8Array(0), codecString: "" };
  const track = publication.setTrack("video", 0, format);
  for (let n = 0; n < 10; n++) {
    const timeTicks = n * 40;
    publication.publish(track, timeTicks, timeTicks, n % 5 === 0, new TextEncoder().encode(`picture ${n}`));
    await sleep(40);
  }
  // What a subscriber gets who comes now: the decoder configurations, then everything since the newest key frame.
  const { formats, frames } = stream.replay();
  log(`replay: ${formats.size} track, ${frames.length} frames from ${frames[0]?.ptsTicks} ms on`);
  await engine.shutdown("the example is over");
}
