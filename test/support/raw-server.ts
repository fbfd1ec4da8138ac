/** What a server that was attacked must show: the error counted, the log quiet, the memory flat. */

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { TestServer } from "./server.ts";
import { waitFor } from "./wait.ts";

/** How often `code` was counted until now. */
export async function errorCount(server: TestServer, code: string): Promise<number> {
  return (await server.stats()).errors[code] ?? 0;
}

/** Runs `attack` and waits until `code` has been counted `times` more than before. */
export async function expectCounted(
  server: TestServer,
  code: string,
  times: number,
  attack: () => Promise<unknown>,
): Promise<void> {
  const before = await errorCount(server, code);
  await attack();
  await waitFor(`${times} × ${code}`, async () => (await errorCount(server, code)) >= before + times);
}

/** At most one line a second for each code; every line has parsed already. A mistake of the server's own has none at all. */
export function expectQuietLog(server: TestServer): void {
  const lastAtMs = new Map<string, number>();
  for (const line of server.logLines) {
    expect(line["msg"], JSON.stringify(line)).not.toContain("mistake of ours");
    const code = line["code"];
    if (typeof code !== "string") continue;
    const atMs = Date.parse(String(line["time"]));
    // The log's clock is not the one that the second is measured with.
    expect(atMs - (lastAtMs.get(code) ?? 0), `two lines of ${code}`).toBeGreaterThan(900);
    lastAtMs.set(code, atMs);
  }
}

/** Resident memory of the server's process, in bytes. */
export function residentBytes(server: TestServer): number {
  const [, pages = "0"] = readFileSync(`/proc/${server.pid}/statm`, "utf8").split(" ");
  return Number(pages) * 4_096;
}

/** Processor time that the server has used, in milliseconds. */
export function cpuMs(server: TestServer): number {
  // The name in parentheses may hold blanks; utime and stime are the 14th and 15th field (proc(5)).
  const fields = readFileSync(`/proc/${server.pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Watches resident memory while `work` runs; resolves to the most it grew above the start, in bytes. */
export async function growthDuring(server: TestServer, work: () => Promise<unknown>): Promise<number> {
  const before = residentBytes(server);
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, residentBytes(server));
  }, 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(most, residentBytes(server)) - before;
}
