/** AMF3 values and their bytes. */

import type { AmfValue } from "./amf-value.ts";

interface Amf3Case {
  readonly name: string;
  readonly hex: string;
  readonly value: AmfValue;
}

export const amf3Cases: readonly Amf3Case[] = [
  { name: "undefined", hex: "00", value: undefined },
  { name: "null", hex: "01", value: null },
  { name: "false", hex: "02", value: false },
  { name: "true", hex: "03", value: true },
  { name: "integer of one byte", hex: "047f", value: 127 },
  { name: "integer of two bytes", hex: "048100", value: 128 },
  { name: "integer of three bytes", hex: "04818000", value: 16_384 },
  { name: "greatest integer", hex: "04bfffffff", value: 268_435_455 },
  { name: "least integer", hex: "04c0808000", value: -268_435_456 },
  { name: "minus one", hex: "04ffffffff", value: -1 },
  { name: "double", hex: "053fe0000000000000", value: 0.5 },
  { name: "empty string", hex: "0601", value: "" },
  { name: "string", hex: "06056162", value: "ab" },
  { name: "XML document", hex: "07093c612f3e", value: { type: "xml", text: "<a/>" } },
  { name: "XML", hex: "0b093c612f3e", value: { type: "xml", text: "<a/>" } },
  { name: "date", hex: "08014278bcfe56800000", value: { type: "date", ms: 1_700_000_000_000 } },
  { name: "byte array", hex: "0c050102", value: { type: "bytes", bytes: Uint8Array.of(1, 2) } },
  { name: "dense array", hex: "090501030405", value: [true, 5] },
  {
    name: "array with names",
    hex: "0903036104010103",
    value: array([
      ["a", 1],
      ["0", true],
    ]),
  },
  { name: "array with a string twice", hex: "0905010603610600", value: ["a", "a"] },
  { name: "dynamic object", hex: "0a0b010361040101", value: object("", [["a", 1]]) },
  { name: "object with sealed members", hex: "0a13034603610401", value: object("F", [["a", 1]]) },
  {
    name: "object with sealed members and dynamic ones",
    hex: "0a1b03460361040103620201",
    value: object("F", [
      ["a", 1],
      ["b", false],
    ]),
  },
  {
    name: "two objects of the same traits",
    hex: "0905010a130346036104010a010402",
    value: [object("F", [["a", 1]]), object("F", [["a", 2]])],
  },
  { name: "object twice", hex: "0905010a0b01010a02", value: [object("", []), object("", [])] },
  { name: "date twice", hex: "090501080100000000000000000802", value: [0, 0].map((ms) => ({ type: "date", ms })) },
  { name: "vector of int", hex: "0d0500fffffffe00000001", value: [-2, 1] },
  { name: "vector of uint", hex: "0e0300fffffffe", value: [4_294_967_294] },
  { name: "vector of double", hex: "0f03003fe0000000000000", value: [0.5] },
  { name: "vector of objects", hex: "10030003460a0b0101", value: [object("", [])] },
  { name: "dictionary", hex: "1103000401060361", value: { type: "dictionary", entries: [[1, "a"]] } },
  {
    name: "ArrayCollection, a wrapper that writes what it wraps",
    hex: `0a0743${hexText("flex.messaging.io.ArrayCollection")}09030103`,
    value: [true],
  },
];

function object(className: string, fields: [string, AmfValue][]): AmfValue {
  return { type: "object", className, isArray: false, fields: new Map(fields) };
}

function array(fields: [string, AmfValue][]): AmfValue {
  return { type: "object", className: "", isArray: true, fields: new Map(fields) };
}

function hexText(text: string): string {
  return new TextEncoder().encode(text).toHex();
}
