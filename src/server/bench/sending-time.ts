/**
 * The time at which a frame was sent, carried by the frame itself: an SEI NAL unit of user data (H.264 §D.1.7), the first one of
 * each picture. Sixteen hexadecimal digits, because zeros would need emulation prevention and move what follows.
 *
 * Microseconds of this process's monotonic clock. Nobody but the process that sent them can make sense of them, which its key
 * says.
 */

/** A NAL unit with room for the time: {@link writeSendingTime} fills it in. */
export function makeSendingTimeUnit(): Uint8Array {
  return Uint8Array.of(naluTypeSei, payloadTypeUserData, key.length + digitCount, ...key, ...zeros, rbspTrailingBits);
}

/** Writes the time into the first NAL unit of the tag body at `at`. */
export function writeSendingTime(target: Uint8Array, at: number, sentAtMs: number): void {
  let rest = Math.round(sentAtMs * 1000);
  for (let i = digitCount - 1; i >= 0; i--) {
    target[at + digitsOffset + i] = digits.charCodeAt(rest % 16);
    rest = Math.floor(rest / 16);
  }
}

/** The sending time in milliseconds; -1 when the tag has none. `heads` holds the first `length` bytes of its body at `at`. */
export function readSendingTime(heads: Uint8Array, at: number, length: number): number {
  return readUnitSendingTime(heads, at + naluOffset, at + length);
}

/** The same of a NAL unit of H.264 at `at`, of which the bytes before `end` are here. */
export function readUnitSendingTime(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < unitDigitsOffset + digitCount || bytes[at] !== naluTypeSei) return -1;
  for (let i = 0; i < key.length; i++) if (bytes[at + unitKeyOffset + i] !== key[i]) return -1;
  let value = 0;
  for (let i = 0; i < digitCount; i++) {
    const character = bytes[at + unitDigitsOffset + i] as number;
    value = value * 16 + (character < letterA ? character - digitZero : character - letterA + 10);
  }
  return value / 1000;
}

const digits = "0123456789abcdef";
const digitZero = 0x30;
const letterA = 0x61;
const digitCount = 16;
const zeros = new Uint8Array(digitCount).fill(digitZero);
const naluTypeSei = 6;
const payloadTypeUserData = 5;
const rbspTrailingBits = 0x80;
/** A UUID, as user data begins with one: of this process, so that another run's stream is not taken for ours. */
const key: Uint8Array = crypto.getRandomValues(new Uint8Array(16)).map((byte) => byte | 1);
/** The header of a video tag of H.264 without Enhanced RTMP, and the length of its first NAL unit. */
const naluOffset = 5 + 4;
/** Behind the NAL unit's header, the payload's type and its size. */
const unitKeyOffset = 3;
const unitDigitsOffset: number = unitKeyOffset + key.length;
const digitsOffset: number = naluOffset + unitDigitsOffset;
