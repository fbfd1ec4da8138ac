/**
 * A run of the load generator: joins at a rate, a measured window, a sample that is decoded, and a report. One thread, on the same
 * transport as the server; bounded in count and time.
 */

import { lookup } from "node:dns/promises";
import { CodedError } from "../../bytes/coded-error.ts";
import { everyFrame } from "../../runtime/flush-pacer.ts";
import { openTransport } from "../../runtime/open-transport.ts";
import { isLoopback } from "../access.ts";
import { type BenchAddress, parseBenchAddress } from "./address.ts";
import { runChurn } from "./churn.ts";
import { ERR_BENCH_REFUSED } from "./errors.ts";
import { ownDescriptors } from "./limits.ts";
import { LocalAddresses } from "./local-addresses.ts";
import type { BenchOptions } from "./options.ts";
import { descriptorLimit, processesListeningOn } from "./process-meter.ts";
import type { BenchReport } from "./report.ts";
import type { BenchRun } from "./run.ts";
import { ServerMeter } from "./server-meter.ts";
import { runPlayers } from "./steady-players.ts";
import { runPublishers } from "./steady-publishers.ts";

/** Runs to its end. Errors: ERR_BENCH_ADDRESS, ERR_RTMP_URL, ERR_RTSP_URL and ERR_BENCH_REFUSED, before anything was connected. */
export async function runBench(options: BenchOptions, onProgress: (line: string) => void): Promise<BenchReport> {
  const address = parseBenchAddress(options.address);
  const host = await resolveHost(address.host, options.allowRemote);
  const wanted = options.publishers ?? options.players;
  checkDescriptors(wanted, descriptorsPerPeer(address, options));
  const notes: string[] = [];
  const transport = openTransport({
    choice: options.transport,
    pacing: everyFrame,
    onFailure: (error) => {
      throw error;
    },
    onFallback: (reason) => notes.push(`${reason.message}; the portable transport makes the load, which is less`),
  });
  try {
    const pids = isLoopback(host) && options.pids.length === 0 ? processesListeningOn(address.port) : options.pids;
    if (pids.length === 0) notes.push("the server's process was not found: --pid names it, when it is on this machine");
    const meter = new ServerMeter(pids, options.statsUrl ?? statsUrlOf(address), notes);
    const localAddresses = new LocalAddresses(host);
    const run: BenchRun = { options, address, host, transport, localAddresses, meter, notes, onProgress };
    if (options.publishers !== undefined) return await runPublishers(run, options.publishers);
    return options.isChurn ? await runChurn(run) : await runPlayers(run);
  } finally {
    await transport.close();
  }
}

async function resolveHost(host: string, allowRemote: boolean): Promise<string> {
  const { address } = await lookup(host).catch(() => {
    throw new CodedError(ERR_BENCH_REFUSED, `${host} is not the name of a machine`);
  });
  if (isLoopback(address) || allowRemote) return address;
  throw new CodedError(
    ERR_BENCH_REFUSED,
    `${host} is another machine, and a load there is an attack unless its owner agrees: --allow-remote says so`,
  );
}

function checkDescriptors(wanted: number, descriptorsEach: number): void {
  const limit = descriptorLimit();
  if (limit === undefined || wanted * descriptorsEach + ownDescriptors <= limit) return;
  const most = Math.max(0, Math.floor((limit - ownDescriptors) / descriptorsEach));
  throw new CodedError(
    ERR_BENCH_REFUSED,
    `a process may have ${limit} descriptors here, enough for ${most} players: ulimit -n raises it`,
  );
}

/** Over UDP a player has two sockets for each of its tracks besides. */
function descriptorsPerPeer(address: BenchAddress, { rtspTransport }: BenchOptions): number {
  return address.protocol === "rtsp" && rtspTransport === "udp" ? 1 + 2 * usualTrackCount : 1;
}

/** Pictures and sound. */
const usualTrackCount = 2;

/** The same server's, when the address says where it is. */
function statsUrlOf(address: BenchAddress): string | undefined {
  return address.protocol === "rtmp" || address.protocol === "rtsp" ? undefined : `http://${address.authority}/stats`;
}
