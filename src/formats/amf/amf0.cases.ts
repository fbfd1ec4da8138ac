/** AMF0 values and their bytes; the table feeds the parse, write and round-trip tests and the fuzz seeds. */

import type { AmfObject, AmfValue } from "./amf-value.ts";

interface Amf0Case {
  readonly name: string;
  readonly hex: string;
  readonly value: AmfValue;
  /** What we write, where that differs from what we read. */
  readonly written?: string;
}

export const amf0Cases: readonly Amf0Case[] = [
  { name: "number", hex: "003ff0000000000000", value: 1 },
  { name: "number that is not a number", hex: "007ff8000000000000", value: Number.NaN },
  { name: "minus infinity", hex: "00fff0000000000000", value: Number.NEGATIVE_INFINITY },
  { name: "boolean", hex: "0101", value: true },
  { name: "boolean that is neither 0 nor 1", hex: "0102", value: true, written: "0101" },
  { name: "string", hex: "020002c3a9", value: "é" },
  { name: "string with a byte order mark", hex: "020003efbbbf", value: "\ufeff" },
  { name: "string in Latin-1", hex: "020001e9", value: "\ufffd", written: "020003efbfbd" },
  { name: "short text as a long string", hex: "0c0000000161", value: "a", written: "02000161" },
  { name: "long string", hex: `0c00010000${"61".repeat(65_536)}`, value: "a".repeat(65_536) },
  { name: "null", hex: "05", value: null },
  { name: "undefined", hex: "06", value: undefined },
  { name: "unsupported", hex: "0d", value: { type: "unsupported" } },
  { name: "date", hex: "0b4278bcfe568000000000", value: { type: "date", ms: 1_700_000_000_000 } },
  {
    name: "date with a time zone",
    hex: "0b4278bcfe568000000078",
    value: { type: "date", ms: 1_700_000_000_000 },
    written: "0b4278bcfe568000000000",
  },
  { name: "XML", hex: "0f000000043c612f3e", value: { type: "xml", text: "<a/>" } },
  { name: "empty object", hex: "03000009", value: object({}) },
  { name: "object", hex: "030001610200016200016305000009", value: object({ a: "b", c: null }) },
  {
    name: "object with the keys of a prototype",
    hex: "0300095f5f70726f746f5f5f03000009000b636f6e7374727563746f720101000009",
    value: object([
      ["__proto__", object({})],
      ["constructor", true],
    ]),
  },
  {
    name: "object with one key twice",
    hex: "0300016101000001610101000009",
    value: object({ a: true }),
    written: "030001610101000009",
  },
  {
    name: "typed object",
    hex: "100003466f6f000161003ff0000000000000000009",
    value: { type: "object", className: "Foo", isArray: false, fields: new Map([["a", 1]]) },
  },
  {
    name: "ECMA array",
    hex: "08000000010001610101000009",
    value: { type: "object", className: "", isArray: true, fields: new Map([["a", true]]) },
  },
  {
    name: "ECMA array with a count of 0 (OBS)",
    hex: "08000000000001610101000009",
    value: { type: "object", className: "", isArray: true, fields: new Map([["a", true]]) },
    written: "08000000010001610101000009",
  },
  { name: "strict array", hex: "0a0000000205000000000000000000", value: [null, 0] },
  { name: "strict array inside a strict array", hex: "0a000000010a00000000", value: [[]] },
  {
    name: "reference to a complete object",
    hex: "0a0000000203000009070001",
    value: [object({}), object({})],
    written: "0a000000020300000903000009",
  },
  { name: "AMF3 integer", hex: "110405", value: 5, written: "004014000000000000" },
  { name: "AMF3 byte array", hex: "110c0301", value: { type: "bytes", bytes: Uint8Array.of(1) }, written: "0d" },
  {
    name: "AMF3 object with an empty key",
    hex: "110a13010103",
    value: object({ "": true }),
    written: "03000009",
  },
];

function object(fields: Record<string, AmfValue> | readonly (readonly [string, AmfValue])[]): AmfObject {
  const entries = Array.isArray(fields) ? fields : Object.entries(fields as Record<string, AmfValue>);
  return { type: "object", className: "", isArray: false, fields: new Map(entries) };
}
