import { describe, expect, it } from "vitest";
import { vectors } from "../../../test/support/material.ts";
import { ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { ERR_CODEC_CONFIG, ERR_CODEC_FRAME_HEADER, ERR_CODEC_LIMIT, ERR_CODEC_UNSUPPORTED } from "../errors.ts";
import { adtsCases, audioSpecificConfigCases, foreignAudioSpecificConfigCases } from "./aac.cases.ts";
import { adtsHeaderLength, parseAdtsHeader, writeAdtsHeader } from "./adts.ts";
import { parseAudioSpecificConfig, writeAudioSpecificConfig } from "./audio-specific-config.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

describe("AudioSpecificConfig", () => {
  it.each(audioSpecificConfigCases)("parses and writes $name", ({ bytes, config }) => {
    const before = bytes.slice();
    expect(parseAudioSpecificConfig(bytes)).toEqual(config);
    expect(writeAudioSpecificConfig(config)).toEqual(bytes);
    expect(bytes).toEqual(before);
  });

  it.each(foreignAudioSpecificConfigCases)("parses $name", ({ bytes, config }) => {
    expect(parseAudioSpecificConfig(bytes)).toEqual(config);
  });

  it.each(vectors("aac-asc"))("agrees with vector $id", ({ data, expect: expected }) => {
    expect(parseAudioSpecificConfig(hex(data))).toMatchObject(expected);
  });

  it.each([
    ["nothing", "", ERR_TRUNCATED],
    ["one byte", "11", ERR_TRUNCATED],
    ["a reserved rate", "1690", ERR_CODEC_CONFIG],
    ["a reserved channel configuration", "11c0", ERR_CODEC_CONFIG],
    ["type 0", "0190", ERR_CODEC_CONFIG],
    ["SBR in SBR", "2b9214", ERR_CODEC_CONFIG],
    ["a rate of 0", "1780000010", ERR_CODEC_LIMIT],
    ["a rate of 16 MHz", "17ffffff90", ERR_CODEC_LIMIT],
  ])("is refused with %s", (_, bytes, code) => {
    expect(() => parseAudioSpecificConfig(hex(bytes))).toThrow(expect.objectContaining({ code }));
  });

  it.each(foreignAudioSpecificConfigCases.slice(1))("is not written for $name", ({ config }) => {
    expect(() => writeAudioSpecificConfig(config)).toThrow(expect.objectContaining({ code: ERR_CODEC_UNSUPPORTED }));
  });
});

describe("ADTS", () => {
  it.each(adtsCases)("parses and writes the header of $name", ({ bytes, header }) => {
    expect(parseAdtsHeader(bytes)).toEqual(header);
    const written = bytes.slice();
    written.fill(0, 0, adtsHeaderLength);
    writeAdtsHeader(written, 0, header, header.frameLength - adtsHeaderLength);
    expect(written).toEqual(bytes);
  });

  for (const { cases } of vectors("aac-adts")) {
    it("agrees with the vectors", () => {
      for (const { data, ...expected } of cases) expect(parseAdtsHeader(hex(data))).toMatchObject(expected);
    });
  }

  it.each([
    ["another sync word", "ffe14c80017ffc", ERR_CODEC_FRAME_HEADER],
    ["layer 3 (MP3)", "fffb4c80017ffc", ERR_CODEC_FRAME_HEADER],
    ["a reserved rate", "fff17480017ffc", ERR_CODEC_FRAME_HEADER],
    ["a frame shorter than its header", "fff14c8000dffc", ERR_CODEC_FRAME_HEADER],
    ["two raw data blocks", "fff14c80017ffd", ERR_CODEC_UNSUPPORTED],
    ["six bytes", "fff14c80017f", ERR_TRUNCATED],
  ])("is refused with %s", (_, bytes, code) => {
    expect(() => parseAdtsHeader(hex(bytes))).toThrow(expect.objectContaining({ code }));
  });

  it("is not written for what it can't express", () => {
    const out = new Uint8Array(adtsHeaderLength);
    const config = adtsCases[0]!.header;
    const write = (changes: object, payloadLength: number) => () =>
      writeAdtsHeader(out, 0, { ...config, ...changes }, payloadLength);
    expect(write({}, 8184)).not.toThrow();
    expect(write({}, 8185)).toThrow(expect.objectContaining({ code: ERR_CODEC_LIMIT }));
    for (const changes of [{ objectType: 39 }, { sampleRate: 53_000 }, { channelConfiguration: 12 }]) {
      expect(write(changes, 4)).toThrow(expect.objectContaining({ code: ERR_CODEC_UNSUPPORTED }));
    }
  });
});
