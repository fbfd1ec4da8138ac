/** What every kind of run has in common: joining at a rate, waiting, and saying how far it is. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Transport } from "../../runtime/transport.ts";
import type { BenchAddress } from "./address.ts";
import { maxConnecting } from "./limits.ts";
import type { LocalAddresses } from "./local-addresses.ts";
import type { BenchOptions } from "./options.ts";
import type { ServerMeter } from "./server-meter.ts";

/** What every kind of run works with. */
export interface BenchRun {
  readonly options: BenchOptions;
  readonly address: BenchAddress;
  /** The address's host as an IP address. */
  readonly host: string;
  readonly transport: Transport;
  readonly localAddresses: LocalAddresses;
  readonly meter: ServerMeter;
  /** For the reader of the report. */
  readonly notes: string[];
  /** Where the run stands, now and then. */
  readonly onProgress: (line: string) => void;
}

/** Opens 0 to `count` - 1 at the run's rate; resolves, to the seconds it took, when none is joining any more. */
export async function joinAtRate(
  run: BenchRun,
  count: number,
  load: { readonly joiningCount: number; open(number: number): void; sweep(): void },
  describe: () => string,
): Promise<number> {
  const { rate } = run.options;
  const startMs = performance.now();
  const ticker = new Ticker(run, () => {
    load.sweep();
    return describe();
  });
  let opened = 0;
  while (opened < count || load.joiningCount > 0) {
    const nowMs = performance.now();
    const due = Math.min(count, Math.floor(((nowMs - startMs) / 1000) * rate) + 1);
    while (opened < due && load.joiningCount < maxConnecting) load.open(opened++);
    ticker.tick(nowMs);
    await sleep(opened < count ? 1 : 10);
  }
  return (performance.now() - startMs) / 1000;
}

/** Waits; says every second how far it is. */
export async function waitSeconds(run: BenchRun, seconds: number, describe: () => string): Promise<void> {
  const endMs = performance.now() + seconds * 1000;
  const ticker = new Ticker(run, describe);
  for (let leftMs = seconds * 1000; leftMs > 0; leftMs = endMs - performance.now()) {
    await sleep(Math.min(leftMs, 250));
    ticker.tick(performance.now());
  }
}

/** Says once a second where a run stands. */
export class Ticker {
  readonly #run: BenchRun;
  readonly #describe: () => string;
  #saidAtMs: number = performance.now();

  constructor(run: BenchRun, describe: () => string) {
    this.#run = run;
    this.#describe = describe;
  }

  tick(nowMs: number): void {
    if (nowMs - this.#saidAtMs < progressIntervalMs) return;
    this.#saidAtMs = nowMs;
    this.#run.onProgress(this.#describe());
  }
}

const progressIntervalMs = 1_000;
