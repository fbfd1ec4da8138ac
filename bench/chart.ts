/**
 * Draws the fan-out benchmark's JSON as bars: `node bench/fan-out.ts --json > out/fan-out.json`, then
 * `node bench/chart.ts < out/fan-out.json > docs/images/fan-out.svg`
 */

import { text } from "node:stream/consumers";
import type { BenchResult } from "./support/result.ts";

interface Bar {
  readonly name: string;
  readonly value: number;
  readonly isOurs: boolean;
}

const top = 32;
const rowHeight = 24;
const labelWidth = 300;
const barWidth = 380;

const results = (JSON.parse(await text(process.stdin)) as BenchResult[]).filter(
  ({ name, unit }) => unit === "Gb/s per core" && !name.includes("without the CPU"),
);
const bars: Bar[] = [];
for (const { name, value, reference, pairs } of results) {
  const [protocol = "", flush = ""] = name.split(", ");
  // Ours stands in the pairs; the rows beside peers repeat it.
  if (pairs !== undefined) bars.push({ name: `Millrace, ${protocol}, ${flush}`, value, isOurs: true });
  if (reference === undefined) continue;
  const other = pairs === undefined ? `${reference.name}, ${protocol}` : `limit (bare C), ${flush}`;
  if (!bars.some((bar) => bar.name === other)) bars.push({ name: other, value: reference.value, isOurs: false });
}
process.stdout.write(draw(bars.sort((a, b) => b.value - a.value)));

function draw(sorted: readonly Bar[]): string {
  const most = Math.max(...sorted.map(({ value }) => value));
  const rows = sorted.map(({ name, value, isOurs }, i) => {
    const y = top + i * rowHeight;
    const width = (value / most) * barWidth;
    return [
      `<text x="${labelWidth - 8}" y="${y + 15}" text-anchor="end">${escapeXml(name)}</text>`,
      `<rect x="${labelWidth}" y="${y + 2}" width="${width.toFixed(1)}" height="18" fill="${isOurs ? "#1f6f8b" : "#b8c4c9"}"/>`,
      `<text x="${(labelWidth + width + 6).toFixed(1)}" y="${y + 15}">${value.toFixed(1)}</text>`,
    ].join("\n");
  });
  const height = top + sorted.length * rowHeight + 8;
  const width = labelWidth + barWidth + 60;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="8" y="18" font-size="14">Fan-out of one 1 Mb/s stream: Gb/s per server core, median</text>
${rows.join("\n")}
</svg>
`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
