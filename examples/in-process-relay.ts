/**
 * Copies every stream of one application to another as it appears: with an event bus, an observer and an authenticator of
 * one's own. Run it with `node examples/in-process-relay.ts`.
 */

import { log } from "node:console";
import { setTimeout as sleep } from "node:timers/promises";
import { type AccessRequest, Engine, type Frame, type Publication, type Track, type TrackFormat } from "millrace";

const engine = new Engine({
  // Decides for every protocol alike, on the checked name. Here: nobody but this program writes to "copy".
  authenticator: {
    authorize: ({ action, stream, protocol }: AccessRequest) =>
      action === "publish" && stream.app === "copy" && protocol !== "relay"
        ? { isAllowed: false, reason: "copy/… is written by the relay" }
        : { isAllowed: true },
  },
  // Told what happens. What it throws is counted and goes no further.
  observer: {
    published: (stream) => log(`published ${stream.name.key}`),
    lagged: (stream, protocol, skipped) => log(`${protocol} missed ${skipped} frames of ${stream.name.key}`),
  },
});

const relays: Promise<void>[] = [];
engine.services.eventBus.listen((event) => {
  if (event.type === "publish" && event.stream.startsWith("live/")) relays.push(relay(event.stream));
});

await engine.publish({ name: "copy/cam", protocol: "rtmp" }).catch((error: Error) => log(error.message));
await publishOneSecond("live/cam");
// A stream outlives its publisher for a while, so that it may come back; the end of the engine is the end of all streams.
await engine.shutdown();
await Promise.all(relays);

/** One stream, from its newest key frame to its end. */
async function relay(name: string): Promise<void> {
  const source = await engine.subscribe({ name, protocol: "relay" }, { resume: "newest", maxLag: 10_000 });
  const copy = await engine.publish({ name: name.replace("live/", "copy/"), protocol: "relay" });
  const tracks = new Map<Track, { readonly track: Track; readonly format: TrackFormat }>();
  let frameCount = 0;
  for await (const item of source) {
    if (item.type === "lag") continue; // a gap: the next frame is a key frame
    publishCopy(copy, tracks, item);
    frameCount++;
  }
  copy.end("the source has ended");
  log(`${frameCount} frames were copied to ${copy.stream.name.key}`);
}

/** The bytes are shared, not copied: frames never change. */
function publishCopy(
  copy: Publication,
  tracks: Map<Track, { readonly track: Track; readonly format: TrackFormat }>,
  { track, format, ptsTicks, dtsTicks, isKey, data }: Frame,
): void {
  let known = tracks.get(track);
  // Another format object: the publisher changed its configuration in mid-stream.
  if (known?.format !== format) {
    known = { track: copy.setTrack(track.kind, track.number, format), format };
    tracks.set(track, known);
  }
  copy.publish(known.track, ptsTicks, dtsTicks, isKey, data);
}

async function publishOneSecond(name: string): Promise<void> {
  const publication = await engine.publish({ name, protocol: "example" });
  const format: TrackFormat = { codec: "opus", timescale: 48_000, config: new Uint8Array(0), codecString: "opus" };
  const track = publication.setTrack("audio", 0, format);
  for (let n = 0; n < 50; n++) {
    publication.publish(track, n * 960, n * 960, true, new Uint8Array(120));
    await sleep(20);
  }
  publication.end();
}
