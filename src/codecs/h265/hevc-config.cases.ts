import type { HevcConfig } from "./hevc-config.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

export const hevcConfigCases: readonly { name: string; bytes: Uint8Array; config: HevcConfig }[] = [
  {
    name: "Main (FFmpeg, x265)",
    bytes: hex(
      "0101600000009000000000003cf000fcfdf8f800000f03" +
        "200001001840010c01ffff01600000030090000003000003003c959809" +
        "210001002b42010101600000030090000003000003003ca00a080b9f796566924caf016808000003000800000300c840" +
        "22000100074401c172b46240",
    ),
    config: {
      profileSpace: 0,
      highTier: false,
      profileIdc: 1,
      compatibilityFlags: 0x6000_0000,
      constraintFlagsHigh: 0x9000,
      constraintFlagsLow: 0,
      levelIdc: 60,
      minSpatialSegmentationIdc: 0,
      parallelismType: 0,
      chromaFormatIdc: 1,
      bitDepthLuma: 8,
      bitDepthChroma: 8,
      avgFrameRate: 0,
      constantFrameRate: 0,
      numTemporalLayers: 1,
      temporalIdNested: true,
      lengthSize: 4,
      arrays: [
        { nalType: 32, complete: false, units: [hex("40010c01ffff01600000030090000003000003003c959809")] },
        {
          nalType: 33,
          complete: false,
          units: [hex("42010101600000030090000003000003003ca00a080b9f796566924caf016808000003000800000300c840")],
        },
        { nalType: 34, complete: false, units: [hex("4401c172b46240")] },
      ],
    },
  },
  {
    name: "Main 10 at the high tier, arrays complete, one of them empty",
    bytes: hex("01222000000090000000000099f123fdfefafa17705f02a10000a2000100024401"),
    config: {
      profileSpace: 0,
      highTier: true,
      profileIdc: 2,
      compatibilityFlags: 0x2000_0000,
      constraintFlagsHigh: 0x9000,
      constraintFlagsLow: 0,
      levelIdc: 153,
      minSpatialSegmentationIdc: 0x123,
      parallelismType: 1,
      chromaFormatIdc: 2,
      bitDepthLuma: 10,
      bitDepthChroma: 10,
      avgFrameRate: 6000,
      constantFrameRate: 1,
      numTemporalLayers: 3,
      temporalIdNested: true,
      lengthSize: 4,
      arrays: [
        { nalType: 33, complete: true, units: [] },
        { nalType: 34, complete: true, units: [hex("4401")] },
      ],
    },
  },
];
