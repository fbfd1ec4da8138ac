/** What one shard has to say for `/stats`. */

import type { EngineCounters } from "../../kernel/engine.ts";
import type { Track } from "../../kernel/frame.ts";
import type { Stream } from "../../kernel/stream.ts";
import type { LinkCounters } from "../../runtime/shards/link.ts";
import type { Shard, ShardCounters } from "../../runtime/shards/shard.ts";
import type { Transport, TransportCounters } from "../../runtime/transport.ts";
import type { RepeatedErrors } from "../log/repeated-errors.ts";
import type { OutboundReport } from "../outbound/calls.ts";
import type { OutboundService } from "../outbound/outbound-service.ts";
import type { RtspReport } from "../rtsp/rtsp-service.ts";

export interface ShardReport {
  readonly index: number;
  /** Each as `/stats` shows it, but for the players. */
  readonly streams: readonly StreamReport[];
  /** Players that this shard carries, by stream. */
  readonly players: ReadonlyMap<string, number>;
  readonly memoryRefusedCount: number;
  readonly engine: EngineCounters;
  readonly shard: ShardCounters;
  readonly links: LinkCounters;
  readonly transport: TransportCounters;
  /** Publishers over RTSP that this shard has now. */
  readonly rtsp: RtspReport | undefined;
  /** Sources and forwards that this shard carries now. */
  readonly outbound: readonly OutboundReport[];
  /** Errors that peers caused, by code. */
  readonly errors: Readonly<Record<string, number>>;
}

export interface StreamReport {
  readonly name: string;
  readonly isIdle: boolean;
  readonly inProcessSubscriberCount: number;
  readonly description: Readonly<Record<string, unknown>>;
}

/** What a report is made of. */
export interface ReportSources {
  readonly shard: Shard;
  readonly transport: Transport;
  readonly problems: RepeatedErrors;
  readonly rtsp: RtspReport | undefined;
  readonly outbound: OutboundService;
}

export function reportOf({ shard, transport, problems, rtsp, outbound }: ReportSources): ShardReport {
  const { engine } = shard;
  return {
    index: shard.index,
    streams: engine.streams.map(streamReportOf),
    players: shard.playerCounts,
    memoryRefusedCount: engine.memory.refusedCount,
    engine: engine.counters,
    shard: { ...shard.counters },
    links: shard.linkCounters,
    transport: transport.counters,
    rtsp,
    outbound: outbound.report(),
    errors: Object.fromEntries(problems.totals()),
  };
}

export function streamReportOf(stream: Stream): StreamReport {
  return {
    name: stream.name.key,
    isIdle: stream.state === "idle",
    inProcessSubscriberCount: stream.inProcessSubscriberCount,
    description: describeStream(stream),
  };
}

function describeStream(stream: Stream): Record<string, unknown> {
  const { metadata, qos } = stream;
  return {
    state: stream.state,
    ingest_protocol: metadata.ingestProtocol,
    publisher_address: metadata.publisherAddress,
    started_at: metadata.startedAtMs === 0 ? null : new Date(metadata.startedAtMs).toISOString(),
    encoder: metadata.encoder ?? null,
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
export function snakeCase(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}
