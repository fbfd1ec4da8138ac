/** What the server itself has counted: its `/stats`, when it has one. */

import { get } from "node:http";
import { maxStatsBytes, statsTimeoutMs } from "./limits.ts";

/** The counters that a load changes. */
export interface ServerStats {
  readonly evictedCount: number;
  readonly jumpCount: number;
  readonly socketErrorCount: number;
  readonly cursorCount: number;
  readonly openCount: number;
  /** By code. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Asks for `/stats`; a sentence when that was not possible. */
export async function fetchStats(url: string): Promise<ServerStats | string> {
  try {
    const answer = JSON.parse(await fetchText(url)) as Record<string, Record<string, number> | undefined>;
    const { connections, errors = {} } = answer;
    const count = (name: string): number => Number(connections?.[name] ?? 0);
    if (connections === undefined) return `${url} is not the /stats of Millrace`;
    return {
      evictedCount: count("evicted_count"),
      jumpCount: count("jump_count"),
      socketErrorCount: count("socket_error_count"),
      cursorCount: count("cursor_count"),
      openCount: count("open_count"),
      errors,
    };
  } catch (error) {
    return `${url} did not answer: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What has been added since. */
export function statsSince(before: ServerStats, after: ServerStats): ServerStats {
  const errors: Record<string, number> = {};
  for (const [code, count] of Object.entries(after.errors)) {
    const more = count - (before.errors[code] ?? 0);
    if (more > 0) errors[code] = more;
  }
  return {
    evictedCount: after.evictedCount - before.evictedCount,
    jumpCount: after.jumpCount - before.jumpCount,
    socketErrorCount: after.socketErrorCount - before.socketErrorCount,
    cursorCount: after.cursorCount - before.cursorCount,
    openCount: after.openCount - before.openCount,
    errors,
  };
}

/** By a connection of its own, which does not stay. */
function fetchText(url: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const request = get(url, { agent: false, signal: AbortSignal.timeout(statsTimeoutMs) }, (response) => {
    const chunks: Buffer[] = [];
    let length = 0;
    response.on("data", (bytes: Buffer) => {
      length += bytes.length;
      if (length > maxStatsBytes) response.destroy(new Error("the answer is too long"));
      else chunks.push(bytes);
    });
    response.on("error", reject);
    response.on("end", () => {
      if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString());
      else reject(new Error(`status ${response.statusCode}`));
    });
  });
  request.on("error", reject);
  return promise;
}
