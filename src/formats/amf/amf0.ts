/**
 * Action Message Format, version 0 (Adobe, "AMF 0 Specification", 2007): what RTMP commands and FLV script tags hold.
 *
 * All types of §2 are read; movie clip and record set are reserved there and refused. The count of an ECMA array is a
 * hint only: encoders send 0 or a wrong one, the end marker decides. Marker 0x11 holds one AMF3 value and the next one is AMF0
 * again (E-RTMP v2, "Important AMF3-encoded Historical Specification Clarification").
 */

import { assert } from "../../bytes/assert.ts";
import { ByteReader } from "../../bytes/byte-reader.ts";
import type { ByteWriter } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { type AmfReferences, AmfScope } from "./amf-scope.ts";
import { checkAmfNameLength, decodeAmfText, encodeAmfText, isAsciiText } from "./amf-text.ts";
import { type AmfObject, type AmfValue, isList } from "./amf-value.ts";
import { parseAmf3InScope } from "./amf3.ts";
import { ERR_AMF_COUNT, ERR_AMF_MARKER, ERR_AMF_NAME } from "./errors.ts";

/** Reads one value with a reference table of its own. Errors: ERR_TRUNCATED and the table of errors.ts. */
export function parseAmf0(reader: ByteReader): AmfValue {
  return parseValue({ scope: new AmfScope(reader), references: [] });
}

/** Reads all values of a message; they share one reference table and one limit. */
export function parseAmf0All(bytes: Uint8Array): AmfValue[] {
  const reader = new ByteReader(bytes);
  const message: Message = { scope: new AmfScope(reader), references: [] };
  const values: AmfValue[] = [];
  while (reader.left > 0) values.push(parseValue(message));
  return values;
}

/**
 * Appends `value`. Strings above 65,535 bytes become long strings; references are never written. AMF3's byte arrays and
 * dictionaries have no form in AMF0 and are written as "unsupported".
 */
export function writeAmf0(writer: ByteWriter, value: AmfValue): void {
  switch (typeof value) {
    case "number":
      writer.u8(marker.number).f64(value);
      return;
    case "boolean":
      writer.u8(marker.boolean).u8(value ? 1 : 0);
      return;
    case "string":
      writeString(writer, value);
      return;
    case "undefined":
      writer.u8(marker.undefined);
      return;
  }
  if (value === null) {
    writer.u8(marker.null);
  } else if (isList(value)) {
    writer.u8(marker.strictArray).u32(value.length);
    for (const item of value) writeAmf0(writer, item);
  } else {
    switch (value.type) {
      case "object":
        writeObject(writer, value);
        break;
      case "date":
        writer.u8(marker.date).f64(value.ms).u16(0);
        break;
      case "xml":
        writeLong(writer, marker.xmlDocument, encodeAmfText(value.text));
        break;
      case "unsupported":
      case "bytes":
      case "dictionary":
        writer.u8(marker.unsupported);
        break;
    }
  }
}

interface Message {
  readonly scope: AmfScope;
  readonly references: AmfReferences;
}

function parseValue(message: Message): AmfValue {
  const { scope, references } = message;
  const reader = scope.reader;
  const at = reader.offset;
  const type = reader.u8();
  if (type === marker.reference) return scope.resolve(references, reader.u16());
  scope.countValues(1);
  switch (type) {
    case marker.number:
      return reader.f64();
    case marker.boolean:
      return reader.u8() !== 0;
    case marker.string:
      return decodeAmfText(reader.view(reader.u16()));
    case marker.longString:
      return decodeAmfText(reader.view(reader.u32()));
    case marker.null:
      return null;
    case marker.undefined:
      return undefined;
    case marker.unsupported:
      return { type: "unsupported" };
    case marker.date: {
      const ms = reader.f64();
      reader.skip(2); // time zone: "reserved, not supported, should be set to 0x0000" (§2.13)
      return { type: "date", ms };
    }
    case marker.xmlDocument:
      return { type: "xml", text: decodeAmfText(reader.view(reader.u32())) };
    case marker.object:
      return scope.nest(references, () => parseObject(message, "", false));
    case marker.typedObject:
      return scope.nest(references, () => parseObject(message, parseName(reader), false));
    case marker.ecmaArray:
      reader.skip(4); // the count, a hint
      return scope.nest(references, () => parseObject(message, "", true));
    case marker.strictArray:
      return scope.nest(references, () => parseStrictArray(message));
    case marker.avmPlus:
      return parseAmf3InScope(scope);
    default:
      throw new CodedError(ERR_AMF_MARKER, `expected an AMF0 type marker at offset ${at}, got 0x${hexByte(type)}`);
  }
}

function parseObject(message: Message, className: string, isArray: boolean): AmfObject {
  const { reader } = message.scope;
  const fields = new Map<string, AmfValue>();
  for (;;) {
    const key = parseName(reader);
    if (key === "") {
      const end = reader.u8();
      if (end === marker.objectEnd) return { type: "object", className, isArray, fields };
      throw new CodedError(ERR_AMF_NAME, `expected the end of an object after an empty key, got 0x${hexByte(end)}`);
    }
    fields.set(key, parseValue(message));
  }
}

function parseStrictArray(message: Message): AmfValue[] {
  const { reader } = message.scope;
  const count = reader.u32();
  if (count > reader.left) {
    throw new CodedError(ERR_AMF_COUNT, `a strict array of ${count} values cannot lie in ${reader.left} bytes`);
  }
  const values: AmfValue[] = [];
  for (let i = 0; i < count; i++) values.push(parseValue(message));
  return values;
}

function parseName(reader: ByteReader): string {
  const length = reader.u16();
  checkAmfNameLength(length);
  return decodeAmfText(reader.view(length));
}

function writeString(writer: ByteWriter, text: string): void {
  if (text.length <= 0xffff && isAsciiText(text)) {
    writer.u8(marker.string).u16(text.length).ascii(text);
    return;
  }
  const bytes = encodeAmfText(text);
  if (bytes.length <= 0xffff) writer.u8(marker.string).u16(bytes.length).put(bytes);
  else writeLong(writer, marker.longString, bytes);
}

function writeLong(writer: ByteWriter, type: number, bytes: Uint8Array): void {
  writer.u8(type).u32(bytes.length).put(bytes);
}

function writeObject(writer: ByteWriter, object: AmfObject): void {
  if (object.isArray) {
    writer.u8(marker.ecmaArray).u32(object.fields.size);
  } else if (object.className !== "") {
    writer.u8(marker.typedObject);
    writeName(writer, object.className);
  } else {
    writer.u8(marker.object);
  }
  for (const [key, value] of object.fields) {
    if (key === "") continue; // an empty key is the end of an object; only AMF3 can bring one here
    writeName(writer, key);
    writeAmf0(writer, value);
  }
  writer.u16(0).u8(marker.objectEnd);
}

function writeName(writer: ByteWriter, name: string): void {
  if (name.length <= 0xffff && isAsciiText(name)) {
    writer.u16(name.length).ascii(name);
    return;
  }
  const bytes = encodeAmfText(name);
  assert(bytes.length <= 0xffff, "an AMF0 key is longer than 65,535 bytes; readers refuse keys of a sixtieth of that");
  writer.u16(bytes.length).put(bytes);
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, "0");
}

/** §2.1 */
const marker = {
  number: 0x00,
  boolean: 0x01,
  string: 0x02,
  object: 0x03,
  null: 0x05,
  undefined: 0x06,
  reference: 0x07,
  ecmaArray: 0x08,
  objectEnd: 0x09,
  strictArray: 0x0a,
  date: 0x0b,
  longString: 0x0c,
  unsupported: 0x0d,
  xmlDocument: 0x0f,
  typedObject: 0x10,
  avmPlus: 0x11,
} as const;
