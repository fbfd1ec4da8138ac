/** When the next report is due: RFC 3550 §6.2 and §6.3.1, for sessions of which both ends are known. */

/**
 * Milliseconds to the next compound packet. Reports share 5 % of the session's bandwidth, and are at least 5 s apart on the
 * average; the interval is drawn from half to one and a half of it, so that peers that began together don't stay together.
 *
 * @param memberCount everybody who sends reports: 2 in a session of two
 * @param averageBytes of a compound packet, UDP and IP headers included
 * @param random a number from 0 to 1, 1 excluded
 */
export function reportIntervalMs(
  memberCount: number,
  averageBytes: number,
  sessionBitsPerSecond: number,
  isFirst: boolean,
  random: number,
): number {
  const sharedMs = (memberCount * averageBytes * 8 * 1_000) / Math.max(sessionBitsPerSecond * reportShare, 1);
  const leastMs = isFirst ? minIntervalMs / 2 : minIntervalMs;
  const ms = Math.min(Math.max(sharedMs, leastMs), maxIntervalMs);
  return (ms * (0.5 + random)) / compensation;
}

const minIntervalMs = 5_000;
/** §6.2.1: members are forgotten after five intervals, and a session is kept alive by reports: they may not become rare. */
const maxIntervalMs = 15_000;
const reportShare = 0.05;
const compensation = Math.E - 1.5; // §6.3.1: timers that are reconsidered come out too short by this
