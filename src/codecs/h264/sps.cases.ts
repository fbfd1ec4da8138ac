import type { H264Sps } from "./sps.ts";

export const h264SpsCases: readonly { name: string; nal: Uint8Array; sps: H264Sps }[] = [
  {
    name: "High, 180 lines cropped out of 192 (x264)",
    nal: Uint8Array.fromHex("6764000cacd941419f9f011000000300100000030320f1429960"),
    sps: {
      profileIdc: 100,
      constraintFlags: 0,
      levelIdc: 12,
      spsId: 0,
      chromaFormatIdc: 1,
      bitDepthLuma: 8,
      bitDepthChroma: 8,
      maxNumRefFrames: 4,
      frameMbsOnly: true,
      width: 320,
      height: 180,
      fps: 25,
      maxNumReorderFrames: 2,
    },
  },
];
