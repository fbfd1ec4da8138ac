/** The codecs parameter of RFC 6381, as the MIME types of browsers and the attributes of playlists want it. */

import type { Av1Config } from "./av1/av1-config.ts";
import type { H265ProfileTierLevel } from "./h265/profile-tier-level.ts";
import type { VvcProfileTierLevel } from "./vvc/sps.ts";

/** "avc1.64001f": RFC 6381 §3.3. */
export function h264CodecString(profileIdc: number, constraintFlags: number, levelIdc: number): string {
  return `avc1.${hex2(profileIdc)}${hex2(constraintFlags)}${hex2(levelIdc)}`;
}

/** "hvc1.1.6.L120.90": ISO/IEC 14496-15 Annex E.3. */
export function h265CodecString(profile: H265ProfileTierLevel): string {
  const { profileSpace, profileIdc, compatibilityFlags, highTier, levelIdc } = profile;
  const space = ["", "A", "B", "C"][profileSpace] ?? "";
  const constraints = [...bytesOf(profile.constraintFlagsHigh, 2), ...bytesOf(profile.constraintFlagsLow, 4)];
  while (constraints.at(-1) === 0) constraints.pop();
  return [
    "hvc1",
    `${space}${profileIdc}`,
    hex(reverseBits32(compatibilityFlags)),
    `${highTier ? "H" : "L"}${levelIdc}`,
    ...constraints.map(hex),
  ].join(".");
}

/** "vvc1.1.L51.CQA": ISO/IEC 14496-15 Annex E.6. The constraints are in base32 (RFC 4648) without padding. */
export function vvcCodecString(profile: VvcProfileTierLevel, constraintInfo: Uint8Array = new Uint8Array(0)): string {
  const head = `vvc1.${profile.profileIdc}.${profile.highTier ? "H" : "L"}${profile.levelIdc}`;
  let length = constraintInfo.length;
  while (length > 0 && constraintInfo[length - 1] === 0) length--;
  return length === 0 ? head : `${head}.C${base32(constraintInfo.subarray(0, length))}`;
}

/** "av01.0.08M.08": AV1 in ISOBMFF §5. */
export function av1CodecString(config: Av1Config): string {
  const { profile, levelIdx, highTier, bitDepth } = config;
  return `av01.${profile}.${decimal2(levelIdx)}${highTier ? "H" : "M"}.${decimal2(bitDepth)}`;
}

/** "vp09.00.10.08": VP Codec ISO Media File Format Binding, "Codecs Parameter String". */
export function vp9CodecString(profile: number, level: number, bitDepth: number): string {
  return `vp09.${decimal2(profile)}.${decimal2(level)}.${decimal2(bitDepth)}`;
}

function hex(value: number): string {
  return value.toString(16);
}

function hex2(value: number): string {
  return hex(value).padStart(2, "0");
}

function decimal2(value: number): string {
  return value.toString().padStart(2, "0");
}

function bytesOf(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.floor(value / 256 ** (count - 1 - i)) % 256);
}

function reverseBits32(value: number): number {
  let reversed = 0;
  for (let i = 0; i < 32; i++) if (((value >>> i) & 1) === 1) reversed += 2 ** (31 - i);
  return reversed;
}

function base32(bytes: Uint8Array): string {
  let text = "";
  let pending = 0;
  let pendingBits = 0;
  for (const byte of bytes) {
    pending = (pending << 8) | byte;
    pendingBits += 8;
    while (pendingBits >= 5) {
      pendingBits -= 5;
      text += base32Letters[pending >> pendingBits];
      pending &= (1 << pendingBits) - 1;
    }
  }
  return pendingBits > 0 ? text + base32Letters[pending << (5 - pendingBits)] : text;
}

const base32Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
