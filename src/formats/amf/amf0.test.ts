import { expect, test } from "vitest";
import { corpusSeeds, hexBytes, vectors } from "../../../test/support/material.ts";
import { ByteReader } from "../../bytes/byte-reader.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import {
  type AmfValue,
  amfBoolean,
  amfList,
  amfNumber,
  amfObject,
  amfString,
  isList,
  makeAmfArray,
  makeAmfObject,
} from "./amf-value.ts";
import { amf0Cases } from "./amf0.cases.ts";
import { parseAmf0, parseAmf0All, writeAmf0 } from "./amf0.ts";
import {
  ERR_AMF_COUNT,
  ERR_AMF_DEPTH,
  ERR_AMF_MARKER,
  ERR_AMF_NAME,
  ERR_AMF_REFERENCE,
  ERR_AMF_TOO_MANY_VALUES,
} from "./errors.ts";
import { maxAmfDepth, maxAmfNameBytes, maxAmfValues } from "./limits.ts";

test.each(amf0Cases)("reads and writes: $name", ({ hex, value, written }) => {
  const bytes = hexBytes(hex);
  const before = bytes.slice();
  const reader = new ByteReader(bytes);
  expect(parseAmf0(reader)).toEqual(value);
  expect(reader.left).toBe(0);
  expect(bytes).toEqual(before);
  expect(write(value).toHex()).toBe(written ?? hex);
});

test.each(amf0Cases)("every cut is truncated, never anything else: $name", ({ hex }) => {
  const bytes = hexBytes(hex);
  for (const length of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, bytes.length - 1]) {
    if (length >= bytes.length) continue;
    expect(codeOf(() => parseAmf0(new ByteReader(bytes.subarray(0, length))))).toMatch(/^ERR_(TRUNCATED|AMF_COUNT)$/);
  }
});

test.each(vectors("amf0"))("vector $id", ({ data, expect: expected }) => {
  expect(parseAmf0All(hexBytes(data)).map(vectorForm)).toEqual(expected);
});

test.each(vectors("amf0-reject"))("vector $id", ({ reject, deepNesting }) => {
  for (const { name, data } of reject)
    expect(
      codeOf(() => parseAmf0All(hexBytes(data))),
      name,
    ).toMatch(/^ERR_/);
  const { unit, leaf, end, depth } = deepNesting;
  const bytes = hexBytes(unit.repeat(depth) + leaf + end.repeat(depth));
  expect(codeOf(() => parseAmf0All(bytes))).toBe(ERR_AMF_DEPTH);
});

test("seeds are read, or refused with a code", () => {
  for (const { bytes } of corpusSeeds("amf0")) codeOf(() => parseAmf0All(bytes));
});

test("keys of a peer do not reach a prototype", () => {
  parseAmf0All(hexBytes("0300095f5f70726f746f5f5f030001780101000009000009"));
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});

test("nesting ends at the limit", () => {
  const nested = (depth: number) => hexBytes(`${"0a00000001".repeat(depth)}05`);
  expect(parseAmf0All(nested(maxAmfDepth))).toHaveLength(1);
  expect(codeOf(() => parseAmf0All(nested(maxAmfDepth + 1)))).toBe(ERR_AMF_DEPTH);
});

test("a reference counts as deep as what it names", () => {
  const pair = `0a00000002${"0a00000001".repeat(maxAmfDepth - 1)}05`;
  const fits = `${pair}070001`;
  const tooDeep = `${pair}0a00000001070001`;
  expect(parseAmf0All(hexBytes(fits))).toHaveLength(1);
  expect(codeOf(() => parseAmf0All(hexBytes(tooDeep)))).toBe(ERR_AMF_DEPTH);
});

test("references that double at every level are refused by number", () => {
  // Objects side by side, each a pair of references to the one before: 2^30 values in 30 × 11 bytes.
  let hex = "0a00000000";
  for (let i = 0; i < 30; i++) hex += `0a0000000207${hex4(i)}07${hex4(i)}`;
  expect(codeOf(() => parseAmf0All(hexBytes(hex)))).toMatch(/^ERR_AMF_(DEPTH|TOO_MANY_VALUES)$/);
});

test("references to one big text are refused by size", () => {
  const text = `030001610c0000ea60${"61".repeat(60_000)}`;
  const message = hexBytes(`${text}000009${"070000".repeat(100)}`);
  expect(codeOf(() => parseAmf0All(message))).toBe(ERR_AMF_REFERENCE);
});

test("a cycle is refused", () => {
  expect(codeOf(() => parseAmf0All(hexBytes("03000161070000000009")))).toBe(ERR_AMF_REFERENCE);
});

test("the number of values is limited", () => {
  expect(parseAmf0All(new Uint8Array(maxAmfValues).fill(0x05))).toHaveLength(maxAmfValues);
  expect(codeOf(() => parseAmf0All(new Uint8Array(maxAmfValues + 1).fill(0x05)))).toBe(ERR_AMF_TOO_MANY_VALUES);
});

test("a strict array allocates nothing for its count", () => {
  expect(codeOf(() => parseAmf0All(hexBytes("0affffffff05")))).toBe(ERR_AMF_COUNT);
});

test("a key has a limit of its own", () => {
  const key = (length: number) => hexBytes(`03${hex4(length)}${"61".repeat(length)}05000009`);
  expect(parseAmf0All(key(maxAmfNameBytes))).toHaveLength(1);
  expect(codeOf(() => parseAmf0All(key(maxAmfNameBytes + 1)))).toBe(ERR_AMF_NAME);
});

test("an empty key must be followed by the end", () => {
  expect(codeOf(() => parseAmf0All(hexBytes("03000005")))).toBe(ERR_AMF_NAME);
});

test("reserved and unknown markers are named", () => {
  expect(() => parseAmf0All(hexBytes("0504"))).toThrow("at offset 1, got 0x04");
  expect(codeOf(() => parseAmf0All(hexBytes("12")))).toBe(ERR_AMF_MARKER);
});

test("AMF3 inside AMF0 shares the limits", () => {
  const nested = hexBytes(`${"0a00000001".repeat(maxAmfDepth - 1)}11${"090301".repeat(2)}01`);
  expect(codeOf(() => parseAmf0All(nested))).toBe(ERR_AMF_DEPTH);
});

test("typed access gives undefined for another type", () => {
  const object = makeAmfObject({ app: "live", n: 1, ok: true, list: ["a"], map: makeAmfArray({ "0": "b" }) });
  const field = (key: string) => object.fields.get(key);
  expect(amfString(field("app"))).toBe("live");
  expect(amfString(field("n"))).toBeUndefined();
  expect(amfNumber(field("n"))).toBe(1);
  expect(amfBoolean(field("ok"))).toBe(true);
  expect(amfObject(field("map"))?.isArray).toBe(true);
  expect(amfObject(field("list"))).toBeUndefined();
  expect(amfList(field("list"))).toEqual(["a"]);
  expect(amfList(field("map"))).toEqual(["b"]);
  expect(amfList(object)).toBeUndefined();
  for (const read of [amfString, amfNumber, amfBoolean, amfObject, amfList]) {
    expect(read(null)).toBeUndefined();
    expect(read(field("absent"))).toBeUndefined();
  }
});

function write(value: AmfValue): Uint8Array {
  const writer = new ByteWriter();
  writeAmf0(writer, value);
  return writer.finish();
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}

function hex4(value: number): string {
  return value.toString(16).padStart(4, "0");
}

/** Values in the JSON form of the vectors. */
function vectorForm(value: AmfValue): unknown {
  if (value === undefined) return { $: "undefined" };
  if (typeof value === "number" && !Number.isFinite(value)) return { $: String(value) };
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map(vectorForm);
  switch (value.type) {
    case "date":
      return { $: "date", ms: value.ms };
    case "object": {
      const fields = [...value.fields].map(([key, field]) => [key, vectorForm(field)]);
      return { ...(value.className === "" ? {} : { $class: value.className }), ...Object.fromEntries(fields) };
    }
    default:
      return { $: value.type };
  }
}
