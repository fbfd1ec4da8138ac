import { expect, test } from "vitest";
import { Engine } from "../../kernel/engine.ts";
import { parseStreamName } from "../../kernel/stream-name.ts";
import type { TransportCounters } from "../../runtime/transport.ts";
import { type ShardReport, streamReportOf } from "../shards/report.ts";
import { health, type StatusSources, stats } from "./status.ts";

const clock = { monotonicMs: () => 61_500, wallMs: () => Date.UTC(2026, 0, 2) };
const transport: TransportCounters = {
  ...{ acceptedCount: 3, openCount: 2, receivedBytes: 10, sentBytes: 20, cursorCount: 1, jumpCount: 0 },
  ...{ evictedCount: 0, socketErrorCount: 4, queuedBytes: 50, connectionTableBytes: 128 },
};

function report(index: number, engine: Engine, players: ReadonlyMap<string, number> = new Map()): ShardReport {
  return {
    index,
    streams: engine.streams.map(streamReportOf),
    players,
    memoryRefusedCount: 1,
    engine: engine.counters,
    shard: { subscribeCount: 2, refusedCount: 0, lagCount: 0, evictedCount: 0 },
    links: { sentCount: 5, fullCount: 0 },
    transport,
    rtsp: undefined,
    outbound: [
      { tryId: 7, address: "10.0.0.9", transport: "tcp", receivedBytes: 5, sentBytes: 6, lostPackets: 1 },
      { tryId: 8, address: "10.0.0.8", transport: "tcp", receivedBytes: 0, sentBytes: 9, lostPackets: 0 },
    ],
    errors: { ERR_STREAM_NAME: 7 },
  };
}

function sources(engine: Engine, reports: readonly ShardReport[]): StatusSources {
  return {
    version: "1.2.3",
    startedAtMs: 1_000,
    isClosed: () => engine.isClosed,
    publisherCount: () => engine.publisherCount,
    controllerCounters: () => ({ deniedCount: 1, refusedCount: 2, movedStreamCount: 3, serviceFailureCount: 0 }),
    memory: () => engine.memory,
    reports: async () => reports,
    sources: () => [{ tryId: 7, shown: { stream: "live/cam", state: "running" } }],
    forwards: () => [{ tryId: undefined, shown: { stream: "live/cam", state: "stopped" } }],
  };
}

test("health is short", () => {
  const engine = new Engine({ clock });
  const given = sources(engine, []);
  expect(health(given, 61_500)).toEqual({ status: "ok", version: "1.2.3", uptime_seconds: 60, active_streams: 0 });
});

test("stats of an idle server with two shards are the sum of both", async () => {
  const engine = new Engine({ clock });
  expect(await stats(sources(engine, [report(1, engine), report(2, engine)]), 61_500)).toMatchObject({
    ...{ active_streams: [], total_streams: 0, publishers: 0, subscribers: 0, streams: [] },
    connections: { accepted_count: 6, open_count: 4, socket_error_count: 8 },
    counters: { denied_count: 1, refused_count: 2, moved_stream_count: 3, subscribe_count: 4 },
    memory: { refused: 2, cursor_bytes: 112, connection_bytes: 256, send_queue_bytes: 100 },
    errors: { ERR_STREAM_NAME: 14 },
    shards: [{ index: 1, connections: 2, cursors: 1, messages_sent: 5 }, { index: 2 }],
  });
});

test("stats of sources and forwards have what their shards know of the connections", async () => {
  const engine = new Engine({ clock });
  const connection = { address: "10.0.0.9", transport: "tcp", received_bytes: 5, sent_bytes: 6, lost_packets: 1 };
  const none = { address: null, transport: null, received_bytes: 0, sent_bytes: 0, lost_packets: 0 };
  expect(await stats(sources(engine, [report(1, engine)]), 61_500)).toMatchObject({
    sources: [{ stream: "live/cam", state: "running", ...connection }],
    forwards: [{ stream: "live/cam", state: "stopped", ...none }],
  });
});

test("counts of RTSP add up, of times the longest counts", async () => {
  const engine = new Engine({ clock });
  const shards = [
    { udpPlayers: 2, playerJitterMs: 7 },
    { udpPlayers: 3, playerJitterMs: 5 },
  ].map((counts, index) => ({ ...report(index, engine), rtsp: counts as NonNullable<ShardReport["rtsp"]> }));
  const { rtsp } = await stats(sources(engine, [...shards, report(2, engine)]), 61_500);
  expect(rtsp).toEqual({ udp_players: 5, player_jitter_ms: 7 });
});

test("stats of a stream say who publishes it and who plays it where, and never with which credential", async () => {
  const engine = new Engine({ clock });
  const request = { name: "live/cam", protocol: "rtmp", address: "192.0.2.1", query: "token=s3cret" };
  const publication = engine.openPublication(parseStreamName("live/cam"), request, () => {});
  const format = { codec: "h264", timescale: 1_000, config: new Uint8Array(0), codecString: "avc1.64000c" };
  const track = publication.setTrack("video", 0, { ...format, width: 320, height: 240 });
  publication.publish(track, 40, 40, true, new Uint8Array(100));
  publication.updateMetadata({ encoder: "an encoder" });
  const elsewhere = report(2, new Engine({ clock }), new Map([["live/cam", 3]]));
  const given = sources(engine, [report(1, engine, new Map([["live/cam", 4]])), elsewhere]);
  const status = await stats(given, 61_500);
  expect(status).toMatchObject({
    active_streams: ["live/cam"],
    publishers: 1,
    subscribers: 7,
    streams: [
      {
        ...{ name: "live/cam", state: "publishing", ingest_protocol: "rtmp", publisher_address: "192.0.2.1" },
        ...{ started_at: "2026-01-02T00:00:00.000Z", encoder: "an encoder", position_ms: 40 },
        ...{ shard: 1, subscribers: 7 },
        totals: { video_frame_count: 1, key_frame_count: 1, byte_count: 100 },
        tracks: [{ kind: "video", codec: "h264", codec_string: "avc1.64000c", width: 320, sample_rate: null }],
      },
    ],
  });
  const text = JSON.stringify(status);
  expect(text).not.toContain("s3cret");
  // Keys of one style, whatever the counters inside are called.
  expect(text.match(/"[^"]*"(?=:)/g)?.filter((key) => !/^"([a-z0-9_]+|ERR_[A-Z_]+)"$/.test(key))).toEqual([]);

  await engine.shutdown();
  expect(health(given, 61_500)["status"]).toBe("shutting_down");
});
