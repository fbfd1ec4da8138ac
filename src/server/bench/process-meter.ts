/** What a process of this machine takes: CPU time by thread, memory, descriptors; and which process listens on a port. Linux: /proc. */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface ThreadTime {
  readonly id: number;
  readonly name: string;
  /** User and system. */
  readonly cpuSeconds: number;
}

/** A process at one moment. */
export interface ProcessSample {
  readonly pid: number;
  readonly name: string;
  readonly cpuSeconds: number;
  readonly threads: readonly ThreadTime[];
  readonly residentBytes: number;
  readonly descriptorCount: number;
}

/** undefined when there is no such process, when it is somebody else's, or when there is no /proc. */
export function sampleProcess(pid: number): ProcessSample | undefined {
  try {
    const { name, cpuSeconds } = parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
    const threads: ThreadTime[] = [];
    for (const id of readdirSync(`/proc/${pid}/task`)) {
      const stat = readIfThere(`/proc/${pid}/task/${id}/stat`); // it may have ended meanwhile
      if (stat !== undefined) threads.push({ id: Number(id), ...parseStat(stat) });
    }
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    const descriptorCount = readdirSync(`/proc/${pid}/fd`).length;
    return { pid, name, cpuSeconds, threads, residentBytes: Number(resident?.[1] ?? 0) * 1024, descriptorCount };
  } catch {
    return undefined;
  }
}

/** What each thread took between two samples of a process, the busiest first. Threads that took nothing are left out. */
export function threadTimes(before: ProcessSample, after: ProcessSample): ThreadTime[] {
  const earlier = new Map(before.threads.map(({ id, cpuSeconds }) => [id, cpuSeconds]));
  return after.threads
    .map((thread) => ({ ...thread, cpuSeconds: thread.cpuSeconds - (earlier.get(thread.id) ?? 0) }))
    .filter(({ cpuSeconds }) => cpuSeconds > 0)
    .sort((a, b) => b.cpuSeconds - a.cpuSeconds);
}

/** The processes of this machine that listen on a TCP port, this one left out. */
export function processesListeningOn(port: number): number[] {
  const inodes = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of (readIfThere(table) ?? "").split("\n").slice(1)) {
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
      if (state === listenState && Number.parseInt(local.split(":")[1] ?? "", 16) === port)
        inodes.add(`socket:[${inode}]`);
    }
  }
  if (inodes.size === 0) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && hasOpen(name, inodes))
    .map(Number);
}

/** How many descriptors this process may have; undefined where that is not said. */
export function descriptorLimit(): number | undefined {
  const match = /^Max open files\s+(\d+)/m.exec(readIfThere("/proc/self/limits") ?? "");
  return match === null ? undefined : Number(match[1]);
}

function hasOpen(pid: string, links: ReadonlySet<string>): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => links.has(readlinkSync(`${folder}/${fd}`)));
  } catch {
    return false; // it has ended, or is somebody else's
  }
}

/** proc(5): the name stands in parentheses and may have any in it; utime and stime are fields 14 and 15. */
function parseStat(text: string): { name: string; cpuSeconds: number } {
  const close = text.lastIndexOf(")");
  const fields = text.slice(close + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { name: text.slice(text.indexOf("(") + 1, close), cpuSeconds: ticks / ticksPerSecond };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** USER_HZ, which is 100 on every Linux. */
const ticksPerSecond = 100;
const listenState = "0A";
