/** What `/health` and `/stats` answer. */

import { cursorBytes } from "../../kernel/cursor-table.ts";
import type { ControllerCounters } from "../../runtime/shards/controller.ts";
import { type ShardReport, snakeCase } from "../shards/report.ts";

export interface StatusSources {
  readonly version: string;
  readonly startedAtMs: number;
  readonly isClosed: () => boolean;
  readonly publisherCount: () => number;
  readonly controllerCounters: () => ControllerCounters;
  readonly memory: () => { readonly limitBytes: number; readonly usedBytes: number };
  /** What every shard has to say now. */
  readonly reports: () => Promise<readonly ShardReport[]>;
  /** What the controller has to say of them. */
  readonly sources: () => readonly OutboundDescription[];
  readonly forwards: () => readonly OutboundDescription[];
}

interface OutboundDescription {
  /** Of the try under way. */
  readonly tryId: number | undefined;
  readonly shown: Readonly<Record<string, unknown>>;
}

/** Short, open to everybody: what a load balancer or a script wants. */
export function health(sources: StatusSources, nowMs: number): Record<string, unknown> {
  return {
    status: sources.isClosed() ? "shutting_down" : "ok",
    version: sources.version,
    uptime_seconds: Math.floor((nowMs - sources.startedAtMs) / 1000),
    active_streams: sources.publisherCount(),
  };
}

/** Everything that is counted. For management only. */
export async function stats(sources: StatusSources, nowMs: number): Promise<Record<string, unknown>> {
  const reports = await sources.reports();
  const players = sum(reports.map(({ players }) => Object.fromEntries(players)));
  const streams = reports.flatMap((report) =>
    report.streams.map(({ name, inProcessSubscriberCount, description, isIdle }) => ({
      isIdle,
      shown: {
        name,
        shard: report.index,
        subscribers: inProcessSubscriberCount + (players[name] ?? 0),
        ...description,
      },
    })),
  );
  const { limitBytes, usedBytes } = sources.memory();
  const counts = sum(reports.map(({ transport }) => ({ ...transport })));
  const { queuedBytes = 0, connectionTableBytes = 0, ...connections } = counts;
  return {
    ...health(sources, nowMs),
    active_streams: streams.filter(({ isIdle }) => !isIdle).map(({ shown }) => shown.name),
    total_streams: streams.length,
    publishers: sources.publisherCount(),
    subscribers: streams.reduce((count, { shown }) => count + shown.subscribers, 0),
    memory: {
      limit_bytes: limitBytes,
      used_bytes: usedBytes,
      available_bytes: limitBytes - usedBytes,
      refused: reports.reduce((count, { memoryRefusedCount }) => count + memoryRefusedCount, 0),
      cursor_bytes: (connections["cursorCount"] ?? 0) * cursorBytes,
      connection_bytes: connectionTableBytes,
      send_queue_bytes: queuedBytes,
      process_resident_bytes: process.memoryUsage.rss(),
    },
    connections: snakeCase(connections),
    rtsp: snakeCase(totalsOf(reports.map(({ rtsp }) => ({ ...rtsp })))),
    counters: snakeCase(countersOf(reports, sources.controllerCounters())),
    errors: sum(reports.map(({ errors }) => errors)),
    shards: reports.map(({ index, transport, links, streams: own }) => ({
      index,
      streams: own.length,
      connections: transport.openCount,
      cursors: transport.cursorCount,
      sent_bytes: transport.sentBytes,
      messages_sent: links.sentCount,
      queue_full: links.fullCount,
    })),
    sources: sources.sources().map((each) => withShard(each, reports)),
    forwards: sources.forwards().map((each) => withShard(each, reports)),
    streams: streams.map(({ shown }) => shown),
  };
}

/** With what its shard knows of the connection. */
function withShard({ tryId, shown }: OutboundDescription, reports: readonly ShardReport[]): Record<string, unknown> {
  const report = reports.flatMap(({ outbound }) => outbound).find((each) => each.tryId === tryId);
  const { address = null, transport = null, receivedBytes = 0, sentBytes = 0, lostPackets = 0 } = report ?? {};
  const counts = { received_bytes: receivedBytes, sent_bytes: sentBytes, lost_packets: lostPackets };
  return { ...shown, address, transport, ...counts };
}

/** Engines know nothing of access, and count no players of other shards: those counts are the controller's and the shards'. */
function countersOf(reports: readonly ShardReport[], controller: ControllerCounters): Record<string, number> {
  return sum([
    ...reports.map(({ engine }) => ({ ...engine })),
    ...reports.map(({ shard }) => ({ ...shard })),
    { ...controller },
  ]);
}

/** Counts add up; of times (`…Ms`) the longest counts. */
function totalsOf(shards: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total = sum(shards);
  for (const key of Object.keys(total)) {
    if (key.endsWith("Ms")) total[key] = Math.max(...shards.map((counts) => counts[key] ?? 0));
  }
  return total;
}

/** Key by key. */
function sum(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const each of counts) {
    for (const [key, count] of Object.entries(each)) total[key] = (total[key] ?? 0) + count;
  }
  return total;
}
