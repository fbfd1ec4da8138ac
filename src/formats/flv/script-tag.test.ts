import { expect, test } from "vitest";
import { hexBytes, vectors } from "../../../test/support/material.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { CodedError, ERR_TRUNCATED } from "../../bytes/coded-error.ts";
import { amfNumber, amfObject, amfString, makeAmfArray } from "../amf/amf-value.ts";
import { writeAmf0 } from "../amf/amf0.ts";
import { ERR_FLV_SCRIPT } from "./errors.ts";
import { fourCcText, metadataCodecId } from "./fourcc.ts";
import { parseScriptData, writeOnMetaData } from "./script-tag.ts";

test("metadata is read as it was written", () => {
  const fields = { width: 1280, videocodecid: metadataCodecId("h265", true), encoder: "millrace", stereo: true };
  expect(parseScriptData(writeOnMetaData(fields))).toEqual({ name: "onMetaData", value: makeAmfArray(fields) });
});

test("@setDataFrame is not part of the data", () => {
  const writer = new ByteWriter();
  writeAmf0(writer, "@setDataFrame");
  const { name, value } = parseScriptData(writer.put(writeOnMetaData({ width: 640 })).finish());
  expect(name).toBe("onMetaData");
  expect(amfNumber(amfObject(value)?.fields.get("width"))).toBe(640);
});

test.each(vectors("amf0").filter(({ id }) => id === "amf0-metadata"))("vector $id", ({ data }) => {
  const { name, value } = parseScriptData(hexBytes(data));
  expect(name).toBe("onMetaData");
  expect(amfString(amfObject(value)?.fields.get("encoder"))).toBe("obs-output module");
});

test("a name without an argument is enough", () => {
  expect(parseScriptData(hexBytes("02000161"))).toEqual({ name: "a", value: undefined });
});

test.each([
  ["an empty body", "", ERR_TRUNCATED],
  ["a number before the name", "003ff0000000000000", ERR_FLV_SCRIPT],
  ["nothing behind @setDataFrame", "02000d40736574446174614672616d65", ERR_TRUNCATED],
])("refuses %s", (_name, hex, code) => {
  try {
    parseScriptData(hexBytes(hex));
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    expect((error as CodedError).code).toBe(code);
  }
});

test("codec ids of onMetaData", () => {
  expect(metadataCodecId("h264", false)).toBe(7);
  expect(metadataCodecId("h265", false)).toBe(12);
  expect(metadataCodecId("aac", false)).toBe(10);
  expect(metadataCodecId("av1", true)).toBe(1635135537); // the specification's own example
  expect(metadataCodecId("opus", false)).toBe(1332770163);
  expect(fourCcText("mp3")).toBe(".mp3");
});
