import { expect, test } from "vitest";
import { Engine } from "../../kernel/engine.ts";
import { health, type StatusSources, stats } from "./status.ts";

const clock = { monotonicMs: () => 61_500, wallMs: () => Date.UTC(2026, 0, 2) };

function sources(): StatusSources {
  return {
    engine: new Engine({ clock }),
    version: "1.2.3",
    startedAtMs: 1_000,
    transportCounters: () => ({
      ...{ acceptedCount: 3, openCount: 2, receivedBytes: 10, sentBytes: 20, cursorCount: 1, jumpCount: 0 },
      ...{ evictedCount: 0, socketErrorCount: 4 },
    }),
    errorCounts: () => ({ ERR_STREAM_NAME: 7 }),
  };
}

test("health is short", () => {
  expect(health(sources(), 61_500)).toEqual({ status: "ok", version: "1.2.3", uptime_seconds: 60, active_streams: 0 });
});

test("stats of an idle server", () => {
  expect(stats(sources(), 61_500)).toMatchObject({
    ...{ active_streams: [], total_streams: 0, publishers: 0, subscribers: 0, streams: [] },
    connections: { accepted_count: 3, open_count: 2, socket_error_count: 4 },
    errors: { ERR_STREAM_NAME: 7 },
  });
});

test("stats of a stream say who publishes it, and never with which credential", async () => {
  const given = sources();
  const request = { name: "live/cam", protocol: "rtmp", address: "192.0.2.1", query: "token=s3cret" };
  const publication = await given.engine.publish(request);
  const format = { codec: "h264", timescale: 1_000, config: new Uint8Array(0), codecString: "avc1.64000c" };
  const track = publication.setTrack("video", 0, { ...format, width: 320, height: 240 });
  publication.publish(track, 40, 40, true, new Uint8Array(100));
  publication.updateMetadata({ encoder: "an encoder" });
  const status = stats(given, 61_500);
  expect(status).toMatchObject({
    active_streams: ["live/cam"],
    publishers: 1,
    streams: [
      {
        ...{ name: "live/cam", state: "publishing", ingest_protocol: "rtmp", publisher_address: "192.0.2.1" },
        ...{ started_at: "2026-01-02T00:00:00.000Z", encoder: "an encoder", subscribers: 0, position_ms: 40 },
        totals: { video_frame_count: 1, key_frame_count: 1, byte_count: 100 },
        tracks: [{ kind: "video", codec: "h264", codec_string: "avc1.64000c", width: 320, sample_rate: null }],
      },
    ],
  });
  const text = JSON.stringify(status);
  expect(text).not.toContain("s3cret");
  // Keys of one style, whatever the counters inside are called.
  expect(text.match(/"[^"]*"(?=:)/g)?.filter((key) => !/^"([a-z0-9_]+|ERR_[A-Z_]+)"$/.test(key))).toEqual([]);

  await given.engine.shutdown();
  expect(health(given, 61_500)["status"]).toBe("shutting_down");
});
