/** What both ends can do beyond RTMP 1.0: E-RTMP v2, "Enhancing NetConnection connect Command". */

import { CodedError } from "../../bytes/coded-error.ts";
import {
  type AmfObject,
  type AmfValue,
  amfList,
  amfNumber,
  amfObject,
  makeAmfObject,
} from "../../formats/amf/amf-value.ts";
import { ERR_RTMP_COMMAND_ARGUMENT } from "./errors.ts";
import { maxFourCcEntries } from "./limits.ts";

/** Bits of `videoFourCcInfoMap` and `audioFourCcInfoMap`. */
const fourCcFlag = { canDecode: 0x01, canEncode: 0x02, canForward: 0x04 } as const;

/** Bits of `capsEx`. */
export const capsExFlag = { reconnect: 0x01, multitrack: 0x02, modEx: 0x04, timestampNanoOffset: 0x08 } as const;

export interface RtmpCapabilities {
  /** FourCC, or "*" for every codec, to the bits of `FourCcInfoMask`: 1 can decode, 2 can encode, 4 can forward. */
  readonly videoFourCcs: ReadonlyMap<string, number>;
  readonly audioFourCcs: ReadonlyMap<string, number>;
  /** The older list of E-RTMP v1, audio and video together: what is in it can be decoded. */
  readonly fourCcList: readonly string[];
  /** Bits of {@link capsExFlag}. */
  readonly capsEx: number;
}

/** What the command object of `connect` (or its answer) says; undefined when it names none. Errors: ERR_RTMP_COMMAND_ARGUMENT. */
export function parseCapabilities(object: AmfObject): RtmpCapabilities | undefined {
  const video = object.fields.get("videoFourCcInfoMap");
  const audio = object.fields.get("audioFourCcInfoMap");
  const list = object.fields.get("fourCcList");
  const capsEx = amfNumber(object.fields.get("capsEx"));
  if (video === undefined && audio === undefined && list === undefined && capsEx === undefined) return undefined;
  return {
    videoFourCcs: parseInfoMap(video),
    audioFourCcs: parseInfoMap(audio),
    fourCcList: parseFourCcList(list),
    capsEx: toFlags(capsEx ?? 0),
  };
}

/** The properties for `connect` or its answer, in AMF. */
export function capabilityFields(capabilities: RtmpCapabilities): Record<string, AmfValue> {
  return {
    fourCcList: capabilities.fourCcList,
    videoFourCcInfoMap: makeAmfObject(Object.fromEntries(capabilities.videoFourCcs)),
    audioFourCcInfoMap: makeAmfObject(Object.fromEntries(capabilities.audioFourCcs)),
    capsEx: capabilities.capsEx,
  };
}

/**
 * Whether the peer takes media with this FourCC: it can decode or forward it, or lists it. "*" stands for every codec. A peer
 * without capabilities takes none (it knows the older codec ids only).
 */
export function canReceive(
  capabilities: RtmpCapabilities | undefined,
  kind: "video" | "audio",
  fourCc: string,
): boolean {
  if (capabilities === undefined) return false;
  const flags = kind === "video" ? capabilities.videoFourCcs : capabilities.audioFourCcs;
  const bits = (flags.get(fourCc) ?? 0) | (flags.get("*") ?? 0);
  if ((bits & (fourCcFlag.canDecode | fourCcFlag.canForward)) !== 0) return true;
  return capabilities.fourCcList.includes(fourCc) || capabilities.fourCcList.includes("*");
}

function parseInfoMap(value: AmfValue): ReadonlyMap<string, number> {
  const object = amfObject(value);
  if (object === undefined) return new Map();
  requireCount(object.fields.size);
  const flags = new Map<string, number>();
  for (const [fourCc, bits] of object.fields) {
    if (isFourCc(fourCc) && typeof bits === "number") flags.set(fourCc, toFlags(bits));
  }
  return flags;
}

function parseFourCcList(value: AmfValue): readonly string[] {
  const list = amfList(value);
  if (list === undefined) return [];
  requireCount(list.length);
  return list.filter((item) => typeof item === "string").filter(isFourCc);
}

function requireCount(count: number): void {
  if (count <= maxFourCcEntries) return;
  throw new CodedError(ERR_RTMP_COMMAND_ARGUMENT, `expected at most ${maxFourCcEntries} FourCC values, got ${count}`);
}

function isFourCc(text: string): boolean {
  return text === "*" || text.length === 4;
}

/** Bits out of an AMF number, which may be anything. */
function toFlags(value: number): number {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff ? value : 0;
}

const everything: number = fourCcFlag.canDecode | fourCcFlag.canEncode | fourCcFlag.canForward;
const videoFourCcs = ["avc1", "hvc1", "vvc1", "av01", "vp09", "vp08"];
const audioFourCcs = ["mp4a", "Opus", "ac-3", "ec-3", "fLaC", ".mp3"];

/** What this program announces: the codecs of E-RTMP v2 that it carries, and all extensions. */
export const ownCapabilities: RtmpCapabilities = {
  videoFourCcs: new Map(videoFourCcs.map((fourCc) => [fourCc, everything])),
  audioFourCcs: new Map(audioFourCcs.map((fourCc) => [fourCc, everything])),
  fourCcList: [...videoFourCcs, ...audioFourCcs],
  capsEx: capsExFlag.reconnect | capsExFlag.multitrack | capsExFlag.modEx | capsExFlag.timestampNanoOffset,
};
