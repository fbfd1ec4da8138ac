/** Wall-clock time as RTCP has it: the 64-bit format of NTP, and its middle 32 bits (RFC 3550 §4). */

/** Seconds since the beginning of 1900, modulo 2^32, and their 2^-32nd parts. */
export interface NtpTime {
  readonly seconds: number;
  readonly fraction: number;
}

/** From milliseconds since 1970. */
export function ntpOfUnixMs(unixMs: number): NtpTime {
  const wholeSeconds = Math.floor(unixMs / 1_000);
  const fraction = Math.round((unixMs - wholeSeconds * 1_000) * fractionsPerMs);
  const carry = fraction >= twoTo32 ? 1 : 0;
  return {
    seconds: (wholeSeconds + carry + secondsFrom1900To1970) % twoTo32,
    fraction: carry === 1 ? 0 : fraction,
  };
}

/**
 * To milliseconds since 1970, with a resolution of some microseconds. The format does not say which era it is of (the second begins
 * in 2036): it is the one that is nearest to `nearUnixMs`, which is "now".
 */
export function unixMsOfNtp(time: NtpTime, nearUnixMs: number): number {
  const unixMs = (time.seconds - secondsFrom1900To1970) * 1_000 + time.fraction / fractionsPerMs;
  return unixMs + Math.round((nearUnixMs - unixMs) / eraMs) * eraMs;
}

/** The middle 32 bits, in units of 2^-16 s: what LSR holds. */
export function compactNtp(time: NtpTime): number {
  return (time.seconds % 0x1_0000) * 0x1_0000 + Math.floor(time.fraction / 0x1_0000);
}

/**
 * Milliseconds to the peer and back, from a report block that came at `now` (RFC 3550 §6.4.1). Undefined when the peer has had no
 * sender report yet, or when what it says can't be: more delay than time went by, or above a minute.
 */
export function roundTripMs(now: NtpTime, lastSenderReport: number, delaySinceLast: number): number | undefined {
  if (lastSenderReport === 0) return undefined;
  const elapsed = compactNtp(now) - lastSenderReport - delaySinceLast;
  // Compact times wrap after 18 hours; clocks that are rounded apart make some units below zero of it.
  const units = ((elapsed % twoTo32) + twoTo32) % twoTo32;
  if (units >= twoTo32 - roundingUnits) return 0;
  const ms = (units * 1_000) / 0x1_0000;
  return ms <= maxRoundTripMs ? ms : undefined;
}

const twoTo32 = 0x1_0000_0000;
const secondsFrom1900To1970 = 2_208_988_800;
const fractionsPerMs = twoTo32 / 1_000;
const eraMs = twoTo32 * 1_000;
const roundingUnits = 64; // one millisecond
const maxRoundTripMs = 60_000;
