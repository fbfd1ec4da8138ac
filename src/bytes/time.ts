/** Conversions between timescales. Ticks are integers; a timescale is ticks per second. */

/**
 * `ticks` of timescale `from` in timescale `to`, rounded to the nearest. Seconds and remainder are converted apart, so that
 * the product stays below 2^53 for every timescale in use (up to 10^9) and any uptime.
 */
export function rescaleTicks(ticks: number, from: number, to: number): number {
  if (from === to) return ticks;
  const seconds = Math.floor(ticks / from);
  const remainder = ticks - seconds * from;
  return seconds * to + Math.round((remainder * to) / from);
}
