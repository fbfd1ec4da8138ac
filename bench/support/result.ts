/** What a benchmark prints: a figure, and the reference that was measured beside it in the same run. */

import { percentile } from "./measure.ts";

export interface BenchResult {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly reference?: { readonly name: string; readonly value: number };
  /** What was measured in turn: value and reference of each pair. The ratio is then the median of their ratios. */
  readonly pairs?: readonly (readonly [value: number, reference: number])[];
  /** Least and most of what the value is the median of. */
  readonly spread?: readonly [least: number, most: number];
  /** Where this stands in a chart (bench/charts.ts). */
  readonly point?: ChartPoint;
}

/** The result's value at `x` of a line; and that of its reference on a line of its own. */
export interface ChartPoint {
  readonly chart: ChartName;
  readonly line: string;
  readonly reference?: string;
  readonly x: number;
}

export type ChartName = "players" | "flush-interval" | "latency" | "memory";

/** The median of several runs, and how far they lie apart. */
export function medianOf(values: readonly number[]): { value: number; spread: readonly [number, number] } {
  return { value: percentile(values, 0.5), spread: [Math.min(...values), Math.max(...values)] };
}

/** One line for each result, with the ratio to its reference. */
function formatResults(results: readonly BenchResult[]): string {
  const rows = results.map((result) => {
    const { name, value, unit, reference, spread } = result;
    const ratio = ratioOf(result);
    const range = spread === undefined ? "" : ` (${formatNumber(spread[0])} to ${formatNumber(spread[1])})`;
    return [
      name,
      `${formatNumber(value)} ${unit}${range}`,
      reference === undefined ? "" : `${reference.name}: ${formatNumber(reference.value)}`,
      ratio === undefined ? "" : `x ${formatNumber(ratio)}`,
    ];
  });
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => (row[column] as string).length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function ratioOf({ value, reference, pairs }: BenchResult): number | undefined {
  if (pairs !== undefined && pairs.length > 0)
    return percentile(
      pairs.map(([own, other]) => own / other),
      0.5,
    );
  return reference === undefined || reference.value === 0 ? undefined : value / reference.value;
}

function formatNumber(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(3);
}

/** Prints a table for people, or JSON when the command line says `--json`. */
export function printResults(results: readonly BenchResult[]): void {
  process.stdout.write(
    process.argv.includes("--json") ? `${JSON.stringify(results, null, 2)}\n` : `${formatResults(results)}\n`,
  );
}
