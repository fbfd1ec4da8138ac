/** Video parameter set of H.265: §7.3.2.1. */

import { CodedError } from "../../bytes/coded-error.ts";
import { atMost, framesPerSecond } from "../bounds.ts";
import { ERR_CODEC_PARAMETER_SET } from "../errors.ts";
import { h265NalVps, openH265ParameterSet } from "./nal-unit.ts";
import { type H265ProfileTierLevel, parseH265ProfileTierLevel } from "./profile-tier-level.ts";
import { skipDpbSizes } from "./sps.ts";

export interface H265Vps extends H265ProfileTierLevel {
  readonly vpsId: number;
  readonly maxLayers: number;
  readonly maxSubLayers: number;
  readonly temporalIdNesting: boolean;
  readonly fps: number | undefined;
}

/** Parses one NAL unit of type 32, header and emulation prevention included. */
export function parseH265Vps(nal: Uint8Array): H265Vps {
  const bits = openH265ParameterSet(nal, h265NalVps, "VPS");
  const vpsId = bits.bits(4);
  bits.skip(2); // vps_base_layer_internal_flag, vps_base_layer_available_flag
  const maxLayers = bits.bits(6) + 1;
  const maxSubLayers = atMost(bits.bits(3), 6, "vps_max_sub_layers_minus1") + 1;
  const temporalIdNesting = bits.flag();
  const reserved = bits.bits(16);
  if (reserved !== 0xffff) {
    throw new CodedError(ERR_CODEC_PARAMETER_SET, `vps_reserved_0xffff_16bits is ${reserved}`);
  }
  const profileTierLevel = parseH265ProfileTierLevel(bits, maxSubLayers);
  skipDpbSizes(bits, maxSubLayers);
  const layerIdCount = bits.bits(6) + 1;
  const layerSetCount = atMost(bits.ue(), 1023, "vps_num_layer_sets_minus1");
  bits.skip(layerIdCount * layerSetCount); // layer_id_included_flag
  let fps: number | undefined;
  if (bits.flag()) {
    const unitsInTick = bits.bits(32);
    fps = framesPerSecond(bits.bits(32), unitsInTick);
  }
  return { vpsId, maxLayers, maxSubLayers, temporalIdNesting, ...profileTierLevel, fps };
}
