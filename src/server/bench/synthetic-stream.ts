/**
 * The stream that the load generator publishes: 640x360 at 25 pictures a second, a GOP of two seconds, and sound, at a bit rate of
 * one's choice. Every picture carries the time at which it was sent. Made once; sending copies.
 */

import { writeAudioSpecificConfig } from "../../codecs/aac/audio-specific-config.ts";
import { writeAvcConfig } from "../../codecs/h264/avc-config.ts";
import { writeNalUnits } from "../../codecs/nal/length-prefixed.ts";
import { makeAmfObject } from "../../formats/amf/amf-value.ts";
import { writeAudioTagHeader } from "../../formats/flv/audio-tag.ts";
import { writeVideoTagHeader } from "../../formats/flv/video-tag.ts";
import { writeData } from "../../protocols/rtmp/message/data.ts";
import {
  constraintFlags,
  levelIdc,
  makePicture,
  makePps,
  makeSps,
  pictureHeight,
  pictureWidth,
  profileIdc,
} from "./picture.ts";
import { makeSendingTimeUnit } from "./sending-time.ts";
import { makeSilence } from "./sound.ts";

export const picturesPerSecond = 25;
export const picturesPerGop = 50;
export const sampleRate = 48_000;
export const samplesPerFrame = 1_024;
export const pictureMs: number = 1000 / picturesPerSecond;
export const soundMs: number = (samplesPerFrame * 1000) / sampleRate;

/** Bodies of FLV tags, which are those of RTMP messages. */
export interface SyntheticStream {
  readonly metadata: Uint8Array;
  readonly videoConfig: Uint8Array;
  readonly audioConfig: Uint8Array;
  /** Of one GOP; the first is the key frame. */
  readonly pictures: readonly Uint8Array[];
  readonly sound: Uint8Array;
}

export function makeSyntheticStream(bitRate: number): SyntheticStream {
  const audioBitRate = Math.min(128_000, Math.max(16_000, bitRate / 8));
  const gopBytes = ((bitRate - audioBitRate) / 8) * (picturesPerGop / picturesPerSecond);
  const pictureBytes = gopBytes / (picturesPerGop - 1 + keyFrameWeight);
  const pictures = Array.from({ length: picturesPerGop }, (_, index) => {
    const isKey = index === 0;
    const byteLength = Math.round(pictureBytes * (isKey ? keyFrameWeight : 1)) - tagOverheadBytes;
    const units = [makeSendingTimeUnit(), ...makePicture(index, byteLength)];
    return videoBody("frame", isKey, writeNalUnits(units));
  });
  const [sps, pps] = [makeSps(), makePps()];
  const avcConfig = writeAvcConfig({
    ...{ profileIdc, profileCompatibility: constraintFlags, levelIdc, lengthSize: 4 },
    ...{ sps: [sps], pps: [pps], high: undefined },
  });
  const soundBytes = (audioBitRate / 8) * (samplesPerFrame / sampleRate);
  return {
    metadata: writeData(
      "@setDataFrame",
      "onMetaData",
      makeAmfObject({
        ...{ width: pictureWidth, height: pictureHeight, framerate: picturesPerSecond, videocodecid: 7 },
        ...{ audiocodecid: 10, audiosamplerate: sampleRate, audiosamplesize: 16, stereo: true },
        encoder: "millrace bench",
      }),
    ),
    videoConfig: videoBody("sequence-start", true, avcConfig),
    audioConfig: audioBody("sequence-start", writeAudioSpecificConfig(stereo)),
    pictures,
    sound: audioBody("frame", makeSilence(Math.round(soundBytes) - soundOverheadBytes)),
  };
}

function videoBody(packetType: "sequence-start" | "frame", isKey: boolean, data: Uint8Array): Uint8Array {
  const body = new Uint8Array(5 + data.length);
  const options = { mode: "legacy", codec: "h264", packetType, isKey } as const;
  const none = { compositionTimeMs: 0, nanosecondOffset: 0, trackId: 0 };
  body.set(data, writeVideoTagHeader(body, 0, { ...options, ...none }));
  return body;
}

function audioBody(packetType: "sequence-start" | "frame", data: Uint8Array): Uint8Array {
  const body = new Uint8Array(2 + data.length);
  const options = { mode: "legacy", codec: "aac", packetType, nanosecondOffset: 0, trackId: 0 } as const;
  body.set(data, writeAudioTagHeader(body, 0, { ...options, sampleRateHz: sampleRate, channelCount: 2 }));
  return body;
}

const stereo = {
  ...{ objectType: 2, sampleRate, channelConfiguration: 2, channels: 2, shortFrames: false },
  ...{ coreCoderDelay: undefined, extensionType: undefined, extensionSampleRate: undefined },
  backwardCompatible: false,
} as const;

/** Pictures between key frames are so much smaller; encoders for live streams hold a buffer of a second. */
const keyFrameWeight = 5;
/** Header of the tag and of RTMP's chunk, and the unit with the sending time. */
const tagOverheadBytes = 5 + 12 + 4 + 36;
const soundOverheadBytes = 2 + 12;
