/**
 * Action Message Format, version 3 (Adobe, "AMF 3 Specification", 2013), read only: what Flash-like clients put behind the
 * AMF0 marker 0x11 once they have announced objectEncoding 3. We answer in AMF0, so there is no writer.
 *
 * Three tables are built while a value is read: strings, objects (every type that §3 gives a reference bit) and traits (the
 * class name and member names of objects). Every value behind 0x11 begins with empty tables.
 */

import type { ByteReader } from "../../bytes/byte-reader.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { type AmfReferences, AmfScope } from "./amf-scope.ts";
import { checkAmfNameLength, decodeAmfText } from "./amf-text.ts";
import type { AmfValue } from "./amf-value.ts";
import { ERR_AMF_COUNT, ERR_AMF_EXTERNALIZABLE, ERR_AMF_MARKER, ERR_AMF_REFERENCE } from "./errors.ts";

/** Reads one value. Errors: ERR_TRUNCATED and the table of errors.ts. */
export function parseAmf3(reader: ByteReader): AmfValue {
  return parseAmf3InScope(new AmfScope(reader));
}

/** Reads one value inside an AMF0 message, within that message's limits. */
export function parseAmf3InScope(scope: AmfScope): AmfValue {
  return parseValue({ scope, strings: [], objects: [], traits: [] });
}

interface Message {
  readonly scope: AmfScope;
  readonly strings: { text: string; byteCount: number }[];
  readonly objects: AmfReferences;
  readonly traits: Traits[];
}

interface Traits {
  readonly className: string;
  readonly members: readonly string[];
  readonly isDynamic: boolean;
  readonly isExternalizable: boolean;
  readonly byteCount: number;
}

function parseValue(message: Message): AmfValue {
  const { scope } = message;
  const reader = scope.reader;
  const at = reader.offset;
  scope.countValues(1);
  const type = reader.u8();
  switch (type) {
    case marker.undefined:
      return undefined;
    case marker.null:
      return null;
    case marker.false:
      return false;
    case marker.true:
      return true;
    case marker.integer:
      return (parseU29(reader) << 3) >> 3; // 29 bits, signed
    case marker.double:
      return reader.f64();
    case marker.string:
      return parseString(message);
    case marker.xmlDocument:
    case marker.xml:
      return parseReferable(message, (length) => ({ type: "xml", text: decodeAmfText(reader.view(length)) }));
    case marker.date:
      return parseReferable(message, () => ({ type: "date", ms: reader.f64() }));
    case marker.array:
      return parseReferable(message, (count) => parseArray(message, count));
    case marker.object:
      return parseReferable(message, (flags) => parseObject(message, flags));
    case marker.byteArray:
      return parseReferable(message, (length) => ({ type: "bytes", bytes: reader.view(length).slice() }));
    case marker.vectorInt:
      return parseReferable(message, (count) => parseVector(message, count, 4, () => reader.i32()));
    case marker.vectorUint:
      return parseReferable(message, (count) => parseVector(message, count, 4, () => reader.u32()));
    case marker.vectorDouble:
      return parseReferable(message, (count) => parseVector(message, count, 8, () => reader.f64()));
    case marker.vectorObject:
      return parseReferable(message, (count) => parseObjectVector(message, count));
    case marker.dictionary:
      return parseReferable(message, (count) => parseDictionary(message, count));
    default:
      throw new CodedError(
        ERR_AMF_MARKER,
        `expected an AMF3 type marker at offset ${at}, got 0x${type.toString(16).padStart(2, "0")}`,
      );
  }
}

/** §1.3.1: 7 bits in each of up to three bytes, 8 in the fourth. */
function parseU29(reader: ByteReader): number {
  let value = 0;
  for (let i = 0; i < 3; i++) {
    const byte = reader.u8();
    value = (value << 7) | (byte & 0x7f);
    if (byte < 0x80) return value;
  }
  return (value << 8) | reader.u8();
}

/**
 * A U29 whose lowest bit says "here" (1) or "the object of this number" (0). `readHere` gets the other 28 bits: a
 * length, a count or flags. Simple types cost a level of nesting too, for the sake of one table.
 */
function parseReferable(message: Message, readHere: (bits: number) => AmfValue): AmfValue {
  const { scope, objects } = message;
  const bits = parseU29(scope.reader);
  if ((bits & 1) === 0) return scope.resolve(objects, bits >> 1);
  return scope.nest(objects, () => readHere(bits >> 1));
}

function parseString(message: Message, checkLength?: (lengthBytes: number) => void): string {
  const { scope, strings } = message;
  const bits = parseU29(scope.reader);
  if ((bits & 1) === 0) {
    const known = strings[bits >> 1];
    if (known === undefined) {
      throw new CodedError(ERR_AMF_REFERENCE, `expected one of ${strings.length} strings, got reference ${bits >> 1}`);
    }
    checkLength?.(known.byteCount);
    scope.countRepeatedBytes(known.byteCount);
    return known.text;
  }
  const byteCount = bits >> 1;
  if (byteCount === 0) return ""; // "the empty string is never sent by reference" (§1.3.2)
  checkLength?.(byteCount);
  const text = decodeAmfText(scope.reader.view(byteCount));
  strings.push({ text, byteCount });
  return text;
}

function parseName(message: Message): string {
  return parseString(message, checkAmfNameLength);
}

/** §3.11: named values up to an empty name, then `count` values. With names it is an ECMA array. */
function parseArray(message: Message, count: number): AmfValue {
  const fields = new Map<string, AmfValue>();
  parseNamedValues(message, fields);
  checkCount(count, 1, message.scope.reader);
  if (fields.size === 0) {
    const values: AmfValue[] = [];
    for (let i = 0; i < count; i++) values.push(parseValue(message));
    return values;
  }
  for (let i = 0; i < count; i++) fields.set(String(i), parseValue(message));
  return { type: "object", className: "", isArray: true, fields };
}

/** §3.12 */
function parseObject(message: Message, flags: number): AmfValue {
  const { className, members, isDynamic, isExternalizable } = parseTraits(message, flags);
  if (isExternalizable) {
    if (externalizableAsOneValue.has(className)) return parseValue(message);
    throw new CodedError(
      ERR_AMF_EXTERNALIZABLE,
      `objects of class "${className.slice(0, 64)}" have a form of their own; send plain objects`,
    );
  }
  const fields = new Map<string, AmfValue>();
  for (const name of members) fields.set(name, parseValue(message));
  if (isDynamic) parseNamedValues(message, fields);
  return { type: "object", className, isArray: false, fields };
}

/** `flags` is U29O without its lowest bit: traits here or by reference, externalizable, dynamic, member count. */
function parseTraits(message: Message, flags: number): Traits {
  const { scope, traits } = message;
  if ((flags & 1) === 0) {
    const known = traits[flags >> 1];
    if (known === undefined) {
      throw new CodedError(ERR_AMF_REFERENCE, `expected one of ${traits.length} traits, got reference ${flags >> 1}`);
    }
    scope.countRepeatedBytes(known.byteCount);
    return known;
  }
  const isExternalizable = (flags & 2) !== 0;
  const isDynamic = (flags & 4) !== 0;
  const memberCount = isExternalizable ? 0 : flags >> 3;
  const from = scope.reader.offset;
  const className = parseName(message);
  checkCount(memberCount, 1, scope.reader);
  const members: string[] = [];
  for (let i = 0; i < memberCount; i++) members.push(parseName(message));
  const byteCount = scope.reader.offset - from;
  const found: Traits = { className, members, isDynamic, isExternalizable, byteCount };
  traits.push(found);
  return found;
}

function parseNamedValues(message: Message, fields: Map<string, AmfValue>): void {
  for (let name = parseName(message); name !== ""; name = parseName(message)) fields.set(name, parseValue(message));
}

/** §3.15 */
function parseVector(message: Message, count: number, itemBytes: number, readItem: () => number): AmfValue {
  const { scope } = message;
  scope.reader.skip(1); // fixed length or not
  checkCount(count, itemBytes, scope.reader);
  scope.countValues(count);
  const values: AmfValue[] = [];
  for (let i = 0; i < count; i++) values.push(readItem());
  return values;
}

function parseObjectVector(message: Message, count: number): AmfValue {
  message.scope.reader.skip(1); // fixed length or not
  parseName(message); // the class of the items, which carry it themselves
  checkCount(count, 1, message.scope.reader);
  const values: AmfValue[] = [];
  for (let i = 0; i < count; i++) values.push(parseValue(message));
  return values;
}

/** §3.16 */
function parseDictionary(message: Message, count: number): AmfValue {
  message.scope.reader.skip(1); // weak keys or not
  checkCount(count, 2, message.scope.reader);
  const entries: [AmfValue, AmfValue][] = [];
  for (let i = 0; i < count; i++) entries.push([parseValue(message), parseValue(message)]);
  return { type: "dictionary", entries };
}

function checkCount(count: number, itemBytes: number, reader: ByteReader): void {
  if (count * itemBytes > reader.left) {
    throw new CodedError(ERR_AMF_COUNT, `${count} AMF3 values cannot lie in ${reader.left} bytes`);
  }
}

/** Flex's wrappers write the one value that they wrap. */
const externalizableAsOneValue: ReadonlySet<string> = new Set([
  "flex.messaging.io.ArrayCollection",
  "flex.messaging.io.ArrayList",
  "flex.messaging.io.ObjectProxy",
]);

/** §3.1 */
const marker = {
  undefined: 0x00,
  null: 0x01,
  false: 0x02,
  true: 0x03,
  integer: 0x04,
  double: 0x05,
  string: 0x06,
  xmlDocument: 0x07,
  date: 0x08,
  array: 0x09,
  object: 0x0a,
  xml: 0x0b,
  byteArray: 0x0c,
  vectorInt: 0x0d,
  vectorUint: 0x0e,
  vectorDouble: 0x0f,
  vectorObject: 0x10,
  dictionary: 0x11,
} as const;
