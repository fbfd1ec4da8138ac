import type { VvcConfig } from "./vvc-config.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

/** SPS of a 1280 × 720 stream with six sub-layers, cut behind the picture size: nothing more is read. */
export const vvcSps720p: Uint8Array = hex("007900ad0233800000800a0200b446a0");

export const vvcConfigCases: readonly { name: string; bytes: Uint8Array; config: VvcConfig }[] = [
  {
    name: "Main 10 with an SPS, and an OPI, which has no count",
    bytes: hex("ff00615f0102338020200100000007050002d01900028f00010010007900ad0233800000800a0200b446a00c00020061"),
    config: {
      lengthSize: 4,
      native: {
        profileIdc: 1,
        highTier: false,
        levelIdc: 51,
        numSubLayers: 6,
        chromaFormatIdc: 1,
        bitDepth: 10,
        constraintInfo: hex("80"),
        maxPictureWidth: 1280,
        maxPictureHeight: 720,
        avgFrameRate: 25 * 256,
      },
      arrays: [
        { nalType: 15, complete: true, units: [vvcSps720p] },
        { nalType: 12, complete: false, units: [hex("0061")] },
      ],
    },
  },
  {
    name: "without profile, tier and level",
    bytes: hex("fa018f000100020079"),
    config: { lengthSize: 2, native: undefined, arrays: [{ nalType: 15, complete: true, units: [hex("0079")] }] },
  },
];
