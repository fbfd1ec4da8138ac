/** AudioMuxElement, what LATM sends: ISO/IEC 14496-3 §1.7.3.1, tables 1.41, 1.44 and 1.45. */

import { BitReader } from "../../bytes/bit-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG } from "../errors.ts";
import { readStreamMuxConfig, type StreamMuxConfig, takeBits } from "./stream-mux-config.ts";

export interface AudioMuxElement {
  /** The configuration that stood in it, or the one that was passed. */
  readonly config: StreamMuxConfig;
  /** Access units, each its own memory; empty ones are left out. */
  readonly frames: readonly Uint8Array[];
  /** Bytes behind the element, which is where the next one would begin. */
  readonly restBytes: number;
}

/**
 * Parses one element. `hasConfig` is muxConfigPresent: the element brings a configuration, or says that `config`, the one before,
 * goes on. ERR_CODEC_CONFIG when there is none yet.
 */
export function parseAudioMuxElement(
  bytes: Uint8Array,
  config: StreamMuxConfig | undefined,
  hasConfig: boolean,
): AudioMuxElement {
  const bits = new BitReader(bytes);
  const current = hasConfig && !bits.flag() ? readStreamMuxConfig(bytes, bits) : config;
  if (current === undefined) {
    throw new CodedError(ERR_CODEC_CONFIG, "the AudioMuxElement relies on a StreamMuxConfig that has not come yet");
  }
  const frames: Uint8Array[] = [];
  for (let i = 0; i < current.subFrameCount; i++) {
    const length = current.fixedFrameBytes ?? readPayloadLength(bits);
    if (length > 0) frames.push(takeBits(bytes, bits, length * 8));
  }
  bits.skip(Math.min(current.otherDataBits, bits.bitsLeft)); // some say that there is more than they send
  return { config: current, frames, restBytes: bits.bitsLeft >> 3 };
}

/** Bytes of what {@link writePayloadLengthInfo} writes. */
export function payloadLengthInfoLength(frameBytes: number): number {
  return Math.floor(frameBytes / 255) + 1;
}

/** Writes PayloadLengthInfo, which is all that stands before a frame when the configuration is elsewhere. Returns the end. */
export function writePayloadLengthInfo(target: Uint8Array, at: number, frameBytes: number): number {
  const end = at + payloadLengthInfoLength(frameBytes);
  target.fill(255, at, end - 1);
  target[end - 1] = frameBytes % 255;
  return end;
}

function readPayloadLength(bits: BitReader): number {
  let length = 0;
  let more: number;
  do {
    more = bits.bits(8);
    length += more;
  } while (more === 255);
  return length;
}
