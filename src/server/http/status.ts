/** What `/health`, `/stats`, `/livez` and `/readyz` answer. */

import type { Engine } from "../../kernel/engine.ts";
import type { Track } from "../../kernel/frame.ts";
import type { Stream } from "../../kernel/stream.ts";
import type { TransportCounters } from "../../runtime/transport.ts";

export interface StatusSources {
  readonly engine: Engine;
  readonly version: string;
  readonly startedAtMs: number;
  readonly transportCounters: () => TransportCounters;
  /** Errors that peers caused, by code. */
  readonly errorCounts: () => Readonly<Record<string, number>>;
}

/** Short, open to everybody: what a load balancer or a script wants. */
export function health({ engine, version, startedAtMs }: StatusSources, nowMs: number): Record<string, unknown> {
  return {
    status: engine.isClosed ? "shutting_down" : "ok",
    version,
    uptime_seconds: Math.floor((nowMs - startedAtMs) / 1000),
    active_streams: engine.publisherCount,
  };
}

/** Everything that is counted. For management only. */
export function stats(sources: StatusSources, nowMs: number): Record<string, unknown> {
  const { engine } = sources;
  const { streams, memory } = engine;
  return {
    ...health(sources, nowMs),
    active_streams: streams.filter((stream) => stream.state !== "idle").map((stream) => stream.name.key),
    total_streams: streams.length,
    publishers: engine.publisherCount,
    subscribers: streams.reduce((sum, stream) => sum + stream.subscriberCount, 0),
    memory: {
      limit_bytes: memory.limitBytes,
      used_bytes: memory.usedBytes,
      available_bytes: memory.limitBytes - memory.usedBytes,
      refused: memory.refusedCount,
      process_resident_bytes: process.memoryUsage.rss(),
    },
    connections: snakeCase({ ...sources.transportCounters() }),
    counters: snakeCase({ ...engine.counters }),
    errors: sources.errorCounts(),
    streams: streams.map((stream) => describeStream(stream)),
  };
}

function describeStream(stream: Stream): Record<string, unknown> {
  const { metadata, qos } = stream;
  return {
    name: stream.name.key,
    state: stream.state,
    ingest_protocol: metadata.ingestProtocol,
    publisher_address: metadata.publisherAddress,
    started_at: metadata.startedAtMs === 0 ? null : new Date(metadata.startedAtMs).toISOString(),
    encoder: metadata.encoder ?? null,
    subscribers: stream.subscriberCount,
    wire_formats: stream.wireFormats,
    memory_bytes: stream.memoryBytes,
    position_ms: stream.newestFrameMs,
    video_bit_rate: qos.rates.videoBitRate,
    audio_bit_rate: qos.rates.audioBitRate,
    fps: qos.rates.fps,
    totals: snakeCase({ ...qos.totals, ...stream.counters }),
    tracks: stream.tracks.map((track) => describeTrack(track)),
  };
}

function describeTrack({ kind, number, format }: Track): Record<string, unknown> {
  return {
    kind,
    number,
    codec: format.codec,
    codec_string: format.codecString,
    timescale: format.timescale,
    width: format.width ?? null,
    height: format.height ?? null,
    sample_rate: format.sampleRate ?? null,
    channels: format.channels ?? null,
  };
}

/** The interface speaks snake_case, like the configuration. */
function snakeCase(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}
