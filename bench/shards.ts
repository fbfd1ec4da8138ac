/**
 * Shards: what a gigabit costs with two threads beside one, on the same core. Where the machine has cores to spare, what both carry
 * together grows accordingly; on two cores, one of which makes the load, only the cost can be shown.
 * `node bench/shards.ts [--players 2000] [--pairs 5] [--json]`
 */

import { parseArgs } from "node:util";
import { TestFolder } from "../test/support/folder.ts";
import { compileLoadPrograms, type DrainReport, drain, gigabitsPerCore, writeSource } from "./support/load.ts";
import { percentile } from "./support/measure.ts";
import { type BenchResult, printResults } from "./support/result.ts";
import { fileSource, measuredStream, type OurServer, startOurs } from "./support/servers.ts";

export async function run(): Promise<BenchResult[]> {
  const options = { players: { type: "string" }, pairs: { type: "string" }, json: { type: "boolean" } } as const;
  const { values } = parseArgs({ options, allowPositionals: true });
  await using folder = new TestFolder();
  const programs = await compileLoadPrograms(folder.path);
  if (programs === undefined) return [];
  const file = folder.file("source.flv");
  await writeSource(file, { videoKilobits: 870, audioKilobits: 128, size: "1280x720" });
  const fixed = ["server.transport=native", "streaming.flush_interval=40ms", "streaming.latency_budget=0ms"];
  await using one = await startOurs(fileSource(file), [...fixed, "server.shards=1"]);
  await using two = await startOurs(fileSource(file), [...fixed, "server.shards=2"]);
  const play = (server: OurServer, protocol: "rtmp" | "flv"): Promise<DrainReport> =>
    drain(programs, {
      ...{ protocol, port: protocol === "rtmp" ? server.rtmpPort : server.httpPort, pid: server.pid },
      ...{ stream: measuredStream, players: Number(values.players ?? 2_000), joinsPerSecond: 4_000 },
      ...{ settleSeconds: 0.8, windowSeconds: 4, ceilingSeconds: 20 },
    });

  const results: BenchResult[] = [];
  for (const [protocol, label] of protocols) {
    const pairs: (readonly [number, number])[] = [];
    let lost = 0;
    let streams = 0;
    for (let pair = 0; pair < Number(values.pairs ?? 5); pair++) {
      const both = await play(two, protocol);
      streams = await shardsThatSend(two);
      const single = await play(one, protocol);
      lost += both.refused + both.closed + single.refused + single.closed;
      pairs.push([gigabitsPerCore(both), gigabitsPerCore(single)]);
      process.stderr.write(
        `  ${label}, two shards, one: ${pairs
          .at(-1)
          ?.map((figure) => figure.toFixed(2))
          .join(", ")} Gb/s per core\n`,
      );
    }
    results.push({
      name: `${label}, two shards on one core`,
      value: percentile(
        pairs.map(([own]) => own),
        0.5,
      ),
      unit: "Gb/s per core",
      reference: {
        name: "one shard",
        value: percentile(
          pairs.map(([, other]) => other),
          0.5,
        ),
      },
      pairs,
    });
    results.push({ name: `${label}, threads that sent`, value: streams, unit: "shards" });
    if (lost > 0) results.push({ name: `players lost, ${label}`, value: lost, unit: "players" });
  }
  return results;
}

/** Both must have had their share, or one thread was measured against itself. */
async function shardsThatSend({ server }: OurServer): Promise<number> {
  const { shards } = (await server.stats()) as unknown as { shards: readonly { readonly sent_bytes: number }[] };
  const total = shards.reduce((sum, { sent_bytes }) => sum + sent_bytes, 0);
  return shards.filter(({ sent_bytes }) => sent_bytes > total / 4).length;
}

const protocols = [
  ["rtmp", "RTMP"],
  ["flv", "HTTP-FLV"],
] as const;

if (import.meta.main) printResults(await run());
