import { describe, expect, it } from "vitest";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG, ERR_CODEC_LIMIT, ERR_CODEC_UNSUPPORTED } from "../errors.ts";
import { audioSpecificConfigCases } from "./aac.cases.ts";
import { parseAudioMuxElement } from "./audio-mux-element.ts";
import { parseAudioSpecificConfig } from "./audio-specific-config.ts";
import { streamMuxConfigCases } from "./latm.cases.ts";
import { parseStreamMuxConfig, writeStreamMuxConfig } from "./stream-mux-config.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

describe("StreamMuxConfig", () => {
  it.each(streamMuxConfigCases)("parses $name", ({ bytes, config }) => {
    const before = bytes.slice();
    expect(parseStreamMuxConfig(bytes)).toEqual(config);
    expect(bytes).toEqual(before);
  });

  it.each(streamMuxConfigCases.filter(({ isWritten }) => isWritten))("writes $name", ({ bytes, config }) => {
    expect(writeStreamMuxConfig(config.audioSpecificConfig)).toEqual(bytes);
  });

  it.each(audioSpecificConfigCases)("carries $name, an extension in front", ({ bytes, config }) => {
    const carried = parseStreamMuxConfig(writeStreamMuxConfig(bytes)).audioSpecificConfig;
    expect(parseAudioSpecificConfig(carried)).toEqual({ ...config, backwardCompatible: false });
  });

  it.each([
    ["nothing", "", ERR_TRUNCATED],
    ["less than an AudioSpecificConfig", "400023", ERR_TRUNCATED],
    ["audioMuxVersionA 1", "c000233203fc", ERR_CODEC_UNSUPPORTED],
    ["streams out of step", "000023203fc0", ERR_CODEC_UNSUPPORTED],
    ["two programmes", "401023203fc0", ERR_CODEC_UNSUPPORTED],
    ["two layers", "400223203fc0", ERR_CODEC_UNSUPPORTED],
    ["frames of CELP", "40002320ffc0", ERR_CODEC_UNSUPPORTED],
    ["an AudioSpecificConfig of 4 GBit", "8ff8003ffffffff0", ERR_CODEC_LIMIT],
    ["other data without end", `400023203ff${"f".repeat(9)}`, ERR_CODEC_CONFIG],
  ])("is refused with %s", (_, bytes, code) => {
    expect(() => parseStreamMuxConfig(hex(bytes))).toThrow(expect.objectContaining({ code }));
  });
});

describe("AudioMuxElement", () => {
  const config = parseStreamMuxConfig(hex("400023203fc0"));

  it("has the configuration in itself, and the next one refers to it", () => {
    // useSameStreamMux 0, StreamMuxConfig (44 bits), length 1, one byte; then useSameStreamMux 1.
    const first = parseAudioMuxElement(hex("200011901fe00d50"), undefined, true);
    expect(first).toEqual({ config, frames: [hex("aa")], restBytes: 0 });
    expect(parseAudioMuxElement(hex("80d500"), first.config, true)).toEqual({
      config,
      frames: [hex("aa")],
      restBytes: 0,
    });
  });

  it("has frames of a fixed length", () => {
    const fixed = { ...config, fixedFrameBytes: 2, subFrameCount: 2, otherDataBits: 8 };
    const { frames, restBytes } = parseAudioMuxElement(hex("aabbccdd00ee"), fixed, false);
    expect(frames).toEqual([hex("aabb"), hex("ccdd")]);
    expect(restBytes).toBe(1);
  });

  it.each([
    ["a configuration that has not come", "80", undefined, true, ERR_CODEC_CONFIG],
    ["a length beyond its end", "03aabb", config, false, ERR_TRUNCATED],
    ["a length without end", "ffff", config, false, ERR_TRUNCATED],
  ])("is refused with %s", (_, bytes, known, hasConfig, code) => {
    expect(() => parseAudioMuxElement(hex(bytes), known, hasConfig)).toThrow(expect.objectContaining({ code }));
  });
});
