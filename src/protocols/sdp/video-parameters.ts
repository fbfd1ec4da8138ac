/**
 * Format parameters of video: decoder configurations (docs/frames.md) out of a=fmtp, and a=fmtp out of them. H.264 RFC 6184 §8.1,
 * H.265 RFC 7798 §7.1, VVC RFC 9328 §7.2, AV1 "RTP Payload Format for AV1" §7.2, VP9 RFC 9628 §6.
 *
 * What a description says wrongly is left out: parameter sets come again in the stream, and are believed there.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { parseAv1Config } from "../../codecs/av1/av1-config.ts";
import { avcConfigOf, parseAvcConfig, writeAvcConfig } from "../../codecs/h264/avc-config.ts";
import { h264NalPps, h264NalSps, h264NalType } from "../../codecs/h264/nal-unit.ts";
import { hevcConfigOf, parseHevcConfig, writeHevcConfig } from "../../codecs/h265/hevc-config.ts";
import { h265NalPps, h265NalSps, h265NalType, h265NalVps } from "../../codecs/h265/nal-unit.ts";
import type { ParameterSetArray } from "../../codecs/nal/parameter-set-arrays.ts";
import { parseVpcConfig, writeVpcConfig } from "../../codecs/vp9/vpc-config.ts";
import { vvcNalPps, vvcNalSps, vvcNalType, vvcNalVps } from "../../codecs/vvc/nal-unit.ts";
import { parseVvcConfig, vvcConfigOf, writeVvcConfig } from "../../codecs/vvc/vvc-config.ts";
import { type FormatParameters, parseNumber } from "./attributes.ts";
import { parseBase64, writeBase64 } from "./base64.ts";
import { maxParameterSets } from "./limits.ts";

/** avcC, or empty when the description does not have both kinds of parameter sets. */
export function h264ConfigOf(parameters: FormatParameters): Uint8Array {
  const units = parseUnits(parameters.get("sprop-parameter-sets"));
  const of = (type: number): Uint8Array[] => units.filter((unit) => h264NalType(unit[0] as number) === type);
  return orNothing(() => writeAvcConfig(avcConfigOf(of(h264NalSps), of(h264NalPps))));
}

export function h264ParametersOf(config: Uint8Array): FormatParameters {
  const parameters = new Map([["packetization-mode", "1"]]);
  if (config.length === 0) return parameters;
  const { profileIdc, profileCompatibility, levelIdc, sps, pps } = parseAvcConfig(config);
  parameters.set("profile-level-id", Uint8Array.of(profileIdc, profileCompatibility, levelIdc).reduce(appendHex, ""));
  if (sps.length > 0 && pps.length > 0)
    parameters.set("sprop-parameter-sets", [...sps, ...pps].map(writeBase64).join(","));
  return parameters;
}

/** hvcC, or empty when the description does not have all parameter sets. */
export function h265ConfigOf(parameters: FormatParameters): Uint8Array {
  const of = (name: string, type: number): Uint8Array[] =>
    parseUnits(parameters.get(name)).filter((unit) => unit.length > 2 && h265NalType(unit[0] as number) === type);
  const vps = of("sprop-vps", h265NalVps);
  const sps = of("sprop-sps", h265NalSps);
  const pps = of("sprop-pps", h265NalPps);
  return vps.length === 0 ? noBytes : orNothing(() => writeHevcConfig(hevcConfigOf(vps, sps, pps)));
}

export function h265ParametersOf(config: Uint8Array): FormatParameters {
  if (config.length === 0) return new Map();
  const { arrays } = parseHevcConfig(config);
  return spropParameters(arrays, [
    ["sprop-vps", h265NalVps],
    ["sprop-sps", h265NalSps],
    ["sprop-pps", h265NalPps],
  ]);
}

/** vvcC, or empty when the description does not have SPS and PPS. */
export function vvcConfigOfParameters(parameters: FormatParameters): Uint8Array {
  const of = (name: string, type: number): Uint8Array[] =>
    parseUnits(parameters.get(name)).filter((unit) => unit.length > 2 && vvcNalType(unit[1] as number) === type);
  return orNothing(() =>
    writeVvcConfig(vvcConfigOf(of("sprop-vps", vvcNalVps), of("sprop-sps", vvcNalSps), of("sprop-pps", vvcNalPps))),
  );
}

export function vvcParametersOf(config: Uint8Array): FormatParameters {
  if (config.length === 0) return new Map();
  return spropParameters(parseVvcConfig(config).arrays, [
    ["sprop-vps", vvcNalVps],
    ["sprop-sps", vvcNalSps],
    ["sprop-pps", vvcNalPps],
  ]);
}

/** An av1C can't be made of these: it needs the sequence header, which is in the stream. */
export function av1ParametersOf(config: Uint8Array): FormatParameters {
  if (config.length === 0) return new Map();
  const { profile, levelIdx, highTier } = parseAv1Config(config);
  return new Map([
    ["profile", `${profile}`],
    ["level-idx", `${levelIdx}`],
    ["tier", highTier ? "1" : "0"],
  ]);
}

/** vpcC of the profile, or empty when the description does not name one. */
export function vp9ConfigOf(parameters: FormatParameters): Uint8Array {
  const profile = parseNumber(parameters.get("profile-id"), 3);
  if (profile === undefined) return noBytes;
  return writeVpcConfig({
    profile,
    level: 0, // not known
    bitDepth: profile < 2 ? 8 : 10,
    chromaSubsampling: profile % 2 === 0 ? 1 : 3,
    fullRange: false,
    colourPrimaries: unspecified,
    transferCharacteristics: unspecified,
    matrixCoefficients: unspecified,
  });
}

export function vp9ParametersOf(config: Uint8Array): FormatParameters {
  return config.length === 0 ? new Map() : new Map([["profile-id", `${parseVpcConfig(config).profile}`]]);
}

function spropParameters(
  arrays: readonly ParameterSetArray[],
  names: readonly (readonly [name: string, nalType: number])[],
): FormatParameters {
  const parameters = new Map<string, string>();
  for (const [name, nalType] of names) {
    const units = arrays.filter((array) => array.nalType === nalType).flatMap((array) => array.units);
    if (units.length > 0) parameters.set(name, units.map(writeBase64).join(","));
  }
  return parameters;
}

/** NAL units in base64 with commas between them, and sometimes nothing between two. */
function parseUnits(text: string | undefined): Uint8Array[] {
  if (text === undefined) return [];
  return text
    .split(",", maxParameterSets)
    .map((part) => bareUnit(parseBase64(part.trim())))
    .filter((unit) => unit.length > 1);
}

/** Without the start code that some put in front, and the zeros that others put behind: no NAL unit ends with one. */
function bareUnit(unit: Uint8Array): Uint8Array {
  const one = unit.indexOf(1);
  const hasCode = (one === 2 || one === 3) && unit.subarray(0, one).every((byte) => byte === 0);
  let end = unit.length;
  while (end > 0 && unit[end - 1] === 0) end--;
  return unit.subarray(hasCode ? one + 1 : 0, end);
}

function orNothing(write: () => Uint8Array): Uint8Array {
  try {
    return write();
  } catch (error) {
    if (error instanceof CodedError) return noBytes;
    throw error;
  }
}

function appendHex(text: string, byte: number): string {
  return text + byte.toString(16).padStart(2, "0");
}

const unspecified = 2; // ISO/IEC 23091-2
const noBytes = new Uint8Array(0);
