/** `npm run bench [-- name…] [--json]`: every benchmark, or those named; each prints its figures beside their references. */

import { type BenchResult, printResults } from "./support/result.ts";

const benchmarks: Readonly<Record<string, () => Promise<{ run(): Promise<BenchResult[]> }>>> = {
  kernel: () => import("./kernel.ts"),
  rtmp: () => import("./rtmp.ts"),
  latency: () => import("./latency.ts"),
  udp: () => import("./udp.ts"),
  "rtsp-latency": () => import("./rtsp-latency.ts"),
  "fan-out": () => import("./fan-out.ts"),
  players: () => import("./players.ts"),
  "send-ways": () => import("./send-ways.ts"),
  publishers: () => import("./publishers.ts"),
  stalled: () => import("./stalled.ts"),
  churn: () => import("./churn.ts"),
  "flush-curve": () => import("./flush-curve.ts"),
  shards: () => import("./shards.ts"),
};

const names = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const unknown = names.find((name) => !(name in benchmarks));
if (unknown !== undefined) {
  process.stderr.write(`no benchmark is called ${unknown}; there are ${Object.keys(benchmarks).join(", ")}\n`);
  process.exit(2);
}
const results: BenchResult[] = [];
for (const [name, load] of Object.entries(benchmarks)) {
  if (names.length > 0 && !names.includes(name)) continue;
  process.stderr.write(`${name} …\n`);
  results.push(...(await (await load()).run()));
}
printResults(results);
