/**
 * Pictures that every decoder takes, of any size in bytes, made without an encoder: H.264, Constrained Baseline, CAVLC. What is
 * coded are macroblocks of plain samples (I_PCM); in key frames the others are predicted flat from their neighbours, in other
 * frames they are skipped. What is missing to the size is user data.
 */

import { BitString } from "./bit-string.ts";

export const pictureWidth = 640;
export const pictureHeight = 360;

/** seq_parameter_set, §7.3.2.1.1. */
export function makeSps(): Uint8Array {
  const bits = new BitString();
  bits.bits(0x67, 8).bits(profileIdc, 8).bits(constraintFlags, 8).bits(levelIdc, 8);
  bits.ue(0); // seq_parameter_set_id
  bits.ue(0); // log2_max_frame_num_minus4
  bits.ue(2); // pic_order_cnt_type: output order is decoding order
  bits.ue(1).bits(0, 1); // max_num_ref_frames, no gaps
  bits.ue(widthInMacroblocks - 1).ue(heightInMacroblocks - 1);
  bits.bits(1, 1).bits(1, 1); // frame_mbs_only_flag, direct_8x8_inference_flag
  bits.bits(1, 1).ue(0).ue(0).ue(0); // cropping: left, right, top
  bits.ue((heightInMacroblocks * macroblockSize - pictureHeight) / 2);
  bits.bits(0, 1); // vui_parameters_present_flag
  return bits.finishNalUnit();
}

/** pic_parameter_set, §7.3.2.2. */
export function makePps(): Uint8Array {
  const bits = new BitString();
  bits.bits(0x68, 8).ue(0).ue(0);
  bits.bits(0, 1).bits(0, 1); // CAVLC; bottom_field_pic_order_in_frame_present_flag
  bits.ue(0).ue(0).ue(0); // one slice group, one reference in each list
  bits.bits(0, 1).bits(0, 2); // no weighted prediction
  bits.ue(0).ue(0).ue(0); // QP 26 for both, chroma_qp_index_offset
  bits.bits(1, 1).bits(0, 1).bits(0, 1); // deblocking_filter_control_present_flag
  return bits.finishNalUnit();
}

/** The NAL units of frame `index` of a GOP, about `byteLength` bytes with lengths of 4 before each; a key frame when it is the first. */
export function makePicture(index: number, byteLength: number): Uint8Array[] {
  const wanted = Math.floor((byteLength - sliceOverheadBytes) / pcmMacroblockBytes);
  const slice = makeSlice(index, Math.max(0, Math.min(macroblockCount, wanted)));
  const missing = byteLength - (slice.length + 4) - 4;
  return missing < leastPaddingBytes ? [slice] : [makePadding(missing), slice];
}

/** User data that nobody knows, in an SEI NAL unit of about `length` bytes (§D.1.7). Filler data would not come over RTP. */
function makePadding(length: number): Uint8Array {
  const rest = length - 4; // what is behind the unit's header, the payload's type, and the first byte of its size
  const payloadBytes = rest - Math.floor(rest / 256);
  const bytes = new BitString().bits(6, 8).bits(5, 8); // sei_rbsp, user_data_unregistered
  for (let left = payloadBytes; ; left -= 255) {
    bytes.bits(Math.min(left, 255), 8);
    if (left < 255) break;
  }
  return bytes.bytes(new Uint8Array(payloadBytes).fill(0xa5)).finishNalUnit();
}

/** slice_layer_without_partitioning_rbsp, §7.3.2.8, with so many macroblocks of samples, spread over the picture. */
function makeSlice(index: number, pcmCount: number): Uint8Array {
  const isKey = index === 0;
  const bits = new BitString();
  bits.bits(isKey ? 0x65 : 0x41, 8);
  bits
    .ue(0)
    .ue(isKey ? 7 : 5)
    .ue(0); // first_mb_in_slice; all slices I, or P; pic_parameter_set_id
  bits.bits(index % 16, 4); // frame_num
  if (isKey)
    bits.ue(0).bits(0, 1).bits(0, 1); // idr_pic_id; no_output_of_prior_pics_flag, long_term_reference_flag
  else bits.bits(0, 1).bits(0, 1).bits(0, 1); // no override, no reordering, no adaptive marking
  bits.ue(0).ue(1); // slice_qp_delta; no deblocking
  const isPcm = pcmPositions(index, pcmCount);
  let skipped = 0;
  for (let at = 0; at < macroblockCount; at++) {
    if (isPcm[at] === 1) {
      if (!isKey) bits.ue(skipped); // mb_skip_run
      skipped = 0;
      bits
        .ue(isKey ? 25 : 30)
        .align()
        .bytes(samples(index, at));
    } else if (isKey) {
      writeFlat(bits, at, isPcm);
    } else {
      skipped++;
    }
  }
  if (skipped > 0) bits.ue(skipped);
  return bits.finishNalUnit();
}

/** I_16x16_2_0_0: predicted from the neighbours' mean, without a residual. */
function writeFlat(bits: BitString, at: number, isPcm: Uint8Array): void {
  bits.ue(3).ue(0).ue(0); // mb_type, intra_chroma_pred_mode DC, mb_qp_delta
  // coeff_token of no coefficients, Table 9-5: nC is the mean of what the neighbours have, which is 16 for I_PCM (§9.2.1).
  const isBesidePcm =
    (at % widthInMacroblocks > 0 && isPcm[at - 1] === 1) ||
    (at >= widthInMacroblocks && isPcm[at - widthInMacroblocks] === 1);
  if (isBesidePcm) bits.bits(0b000011, 6);
  else bits.bits(1, 1);
}

function pcmPositions(index: number, count: number): Uint8Array {
  const isPcm = new Uint8Array(macroblockCount);
  for (let i = 0; i < count; i++) {
    // Neighbours in time and number are far apart: the step is prime to the number of macroblocks.
    let at = ((index * 131 + i) * scatterStep) % macroblockCount;
    while (isPcm[at] === 1) at = (at + 1) % macroblockCount;
    isPcm[at] = 1;
  }
  return isPcm;
}

/** 256 samples of luma, 64 of each chroma: a slope whose colour follows time and place. None is below 16, so none looks like a start code. */
function samples(index: number, at: number): Uint8Array {
  const block = new Uint8Array(384);
  for (let i = 0; i < 256; i++) block[i] = 32 + ((at * 5 + index * 3 + (i % 16) * 4 + (i >> 4) * 2) % 190);
  block.fill(64 + ((at * 7) % 128), 256, 320);
  block.fill(64 + ((index * 5) % 128), 320, 384);
  return block;
}

export const profileIdc = 66;
export const constraintFlags = 0xc0;
export const levelIdc = 40;
const macroblockSize = 16;
const widthInMacroblocks = pictureWidth / macroblockSize;
const heightInMacroblocks: number = Math.ceil(pictureHeight / macroblockSize);
const macroblockCount: number = widthInMacroblocks * heightInMacroblocks;
/** Samples, the macroblock's type and alignment, and the run before it. */
const pcmMacroblockBytes = 387;
/** The header, and what a picture of flat or skipped macroblocks takes. */
const sliceOverheadBytes = 1_200;
/** The shortest unit of user data: its UUID, and what stands around it. */
const leastPaddingBytes = 20;
const scatterStep = 373;
