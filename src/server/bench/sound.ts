/** Silence in AAC-LC, stereo, of any number of bytes: ISO/IEC 14496-3 §4.4.2. Fill elements make up the size. */

import { BitString } from "./bit-string.ts";

/** One raw_data_block of about `byteLength` bytes: 1,024 samples. */
export function makeSilence(byteLength: number): Uint8Array {
  const bits = new BitString();
  bits.bits(elements.channelPair, 3).bits(0, 4).bits(0, 1); // element_instance_tag, common_window
  for (let channel = 0; channel < 2; channel++) {
    bits.bits(100, 8); // global_gain
    bits.bits(0, 1).bits(0, 2).bits(0, 1).bits(0, 6).bits(0, 1); // ics_info: one long window, no bands
    bits.bits(0, 1).bits(0, 1).bits(0, 1); // no pulses, no noise shaping, no gain control
  }
  let left = byteLength - channelPairBytes;
  while (left > fillHeaderBytes) {
    const count = Math.min(maxFillBytes, left - fillHeaderBytes);
    bits.bits(elements.fill, 3);
    if (count < 15) bits.bits(count, 4);
    else bits.bits(15, 4).bits(count - 14, 8);
    bits.bits(0, 4).bits(0, 4); // extension_type EXT_FILL
    for (let i = 1; i < count; i++) bits.bits(0xa5, 8);
    left -= count + fillHeaderBytes;
  }
  return bits.bits(elements.end, 3).finish();
}

const elements = { channelPair: 1, fill: 6, end: 7 } as const;
const channelPairBytes = 8;
const fillHeaderBytes = 2;
const maxFillBytes = 15 + 255 - 1;
