/**
 * Draws what benchmarks measured: `npm run bench -- flush-curve --json > out/flush-curve.json`, and so on, then
 * `node bench/charts.ts docs/charts out/*.json`. A chart of which no file says anything is left as it is.
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BenchResult, ChartName } from "./support/result.ts";
import { barChart, type ChartLine, lineChart } from "./support/svg.ts";

const [folder, ...files] = process.argv.slice(2);
if (folder === undefined || files.length === 0) {
  process.stderr.write("usage: node bench/charts.ts <folder> <results.json>...\n");
  process.exit(2);
}
const results: BenchResult[] = [];
for (const file of files) results.push(...(JSON.parse(await readFile(file, "utf8")) as BenchResult[]));
await mkdir(folder, { recursive: true });
for (const [name, { title, xLabel, yLabel, yScale }] of Object.entries(charts())) {
  const lines = linesOf(name as ChartName, yScale);
  if (lines.length > 0) await write(name, lineChart({ title, xLabel, yLabel, lines }));
}
const bars = fanOutBars();
if (bars.length > 0) {
  await write("fan-out", barChart({ title: "Fan-out of one 1 Mb/s stream: Gb/s per server core, median", bars }));
}

function charts(): Record<ChartName, { title: string; xLabel: string; yLabel: string; yScale: number }> {
  return {
    players: {
      title: "RTMP players of one 1 Mb/s stream, default configuration",
      ...{ xLabel: "players", yLabel: "Gb/s per server core", yScale: 1 },
    },
    "flush-interval": {
      title: "What waiting buys: 2,000 RTMP players of one 1 Mb/s stream",
      ...{ xLabel: "flush interval in ms", yLabel: "Gb/s per server core", yScale: 1 },
    },
    latency: {
      title: "What waiting costs: 2,000 RTMP players of one 1 Mb/s stream",
      ...{ xLabel: "flush interval in ms", yLabel: "latency in ms", yScale: 1 },
    },
    memory: {
      title: "Resident memory of a player's connection, after a collection",
      ...{ xLabel: "players", yLabel: "KB for each connection", yScale: 1_000 },
    },
  };
}

/** What stands at the points of a chart, line by line; ours first. */
function linesOf(chart: ChartName, yScale: number): ChartLine[] {
  const lines = new Map<string, ChartLine>();
  const add = (name: string, isReference: boolean, x: number, y: number): void => {
    const line = lines.get(name) ?? { name, isReference, points: [] };
    line.points.push([x, y / yScale]);
    lines.set(name, line);
  };
  for (const { point, value, reference } of results) {
    if (point?.chart !== chart) continue;
    add(point.line, false, point.x, value);
    if (point.reference !== undefined && reference !== undefined) add(point.reference, true, point.x, reference.value);
  }
  for (const line of lines.values()) line.points.sort(([a], [b]) => a - b);
  return [...lines.values()].sort((a, b) => Number(a.isReference) - Number(b.isReference));
}

/** The rows of the fan-out benchmark: ours stand in the pairs, and the rows beside peers repeat them. */
function fanOutBars(): { name: string; value: number; isOurs: boolean }[] {
  const found: { name: string; value: number; isOurs: boolean }[] = [];
  for (const { name, unit, value, reference, pairs, point } of results) {
    if (unit !== "Gb/s per core" || point !== undefined || !name.includes(", a flush each")) continue;
    if (name.includes("without the CPU")) continue;
    const [protocol = "", flush = ""] = name.split(", ");
    if (pairs !== undefined) found.push({ name: `Millrace, ${protocol}, ${flush}`, value, isOurs: true });
    if (reference === undefined) continue;
    const other = pairs === undefined ? `${reference.name}, ${protocol}` : `limit (bare C), ${flush}`;
    if (!found.some((bar) => bar.name === other)) found.push({ name: other, value: reference.value, isOurs: false });
  }
  return found.sort((a, b) => b.value - a.value);
}

async function write(name: string, svg: string): Promise<void> {
  const path = join(folder as string, `${name}.svg`);
  await writeFile(path, svg);
  process.stdout.write(`${path}\n`);
}
