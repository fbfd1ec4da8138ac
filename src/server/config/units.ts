/** Durations and sizes as people write them: "10s", "500ms", "64MiB". One number, one unit; no bare numbers. */

import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CONFIG_VALUE } from "./errors.ts";

/** Milliseconds of a duration such as `"1.5s"`; a whole number. Throws ERR_CONFIG_VALUE. */
export function parseDurationMs(text: string): number {
  return parseQuantity(text, durationUnits, 'a duration such as "10s" (units: ms, s, m, h, d)');
}

/** Bytes of a size such as `"64MiB"`; a whole number. `MB` is a million, `MiB` is 2^20. Throws ERR_CONFIG_VALUE. */
export function parseSizeBytes(text: string): number {
  return parseQuantity(text, sizeUnits, 'a size such as "64MiB" (units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)');
}

function parseQuantity(text: string, units: ReadonlyMap<string, number>, expected: string): number {
  // At most 15 digits: any whole number of the smallest unit is exact.
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]{1,3})$/.exec(text);
  const factor = units.get(match?.[2] ?? "");
  if (match === null || factor === undefined) throw new CodedError(ERR_CONFIG_VALUE, `expected ${expected}`);
  const value = Math.round(Number(match[1]) * factor);
  if (!Number.isSafeInteger(value)) throw new CodedError(ERR_CONFIG_VALUE, `expected ${expected}, below 2^53`);
  return value;
}

const durationUnits: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

const sizeUnits: ReadonlyMap<string, number> = new Map([
  ["B", 1],
  ["kB", 1e3],
  ["KB", 1e3],
  ["MB", 1e6],
  ["GB", 1e9],
  ["TB", 1e12],
  ["KiB", 2 ** 10],
  ["MiB", 2 ** 20],
  ["GiB", 2 ** 30],
  ["TiB", 2 ** 40],
]);
