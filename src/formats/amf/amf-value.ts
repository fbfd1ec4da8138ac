/**
 * What AMF0 and AMF3 values are in this program, and typed access to them.
 *
 * Numbers, strings, booleans, null and undefined are themselves; a strict array is an array. The rest carries a `type`.
 * Fields lie in a Map, so that a peer's `__proto__` or `constructor` is a key like any other.
 */

export type AmfValue =
  | number
  | string
  | boolean
  | null
  | undefined
  | readonly AmfValue[]
  | AmfObject
  | AmfDate
  | AmfXml
  | AmfUnsupported
  | AmfBytes
  | AmfDictionary;

/** An object, a typed object (`className` is not empty) or an ECMA array (`isArray`: keys that may have been indexes). */
export interface AmfObject {
  readonly type: "object";
  readonly className: string;
  readonly isArray: boolean;
  readonly fields: ReadonlyMap<string, AmfValue>;
}

/** Milliseconds since 1970 in UTC. The time zone of AMF0 is reserved and ignored. */
export interface AmfDate {
  readonly type: "date";
  readonly ms: number;
}

export interface AmfXml {
  readonly type: "xml";
  readonly text: string;
}

/** The sender had a value that AMF0 cannot express. */
export interface AmfUnsupported {
  readonly type: "unsupported";
}

/** AMF3 only: a copy, so that it does not keep the message alive. */
export interface AmfBytes {
  readonly type: "bytes";
  readonly bytes: Uint8Array;
}

/** AMF3 only: keys may be any values. */
export interface AmfDictionary {
  readonly type: "dictionary";
  readonly entries: readonly (readonly [AmfValue, AmfValue])[];
}

/** An anonymous object of `fields`, in their order. */
export function makeAmfObject(fields: Readonly<Record<string, AmfValue>>): AmfObject {
  return { type: "object", className: "", isArray: false, fields: new Map(Object.entries(fields)) };
}

/** An ECMA array of `fields`, in their order: what `onMetaData` carries. */
export function makeAmfArray(fields: Readonly<Record<string, AmfValue>>): AmfObject {
  return { type: "object", className: "", isArray: true, fields: new Map(Object.entries(fields)) };
}

/** `value` when it is a string. */
export function amfString(value: AmfValue): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** `value` when it is a number; NaN and the infinities are numbers, as on the wire. */
export function amfNumber(value: AmfValue): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** `value` when it is a boolean. */
export function amfBoolean(value: AmfValue): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}

/** `value` when it is an object of any of the three forms. */
export function amfObject(value: AmfValue): AmfObject | undefined {
  return isTagged(value) && value.type === "object" ? value : undefined;
}

/** The values of a strict array, or of an ECMA array (some encoders send their lists as such). */
export function amfList(value: AmfValue): readonly AmfValue[] | undefined {
  if (isList(value)) return value;
  const object = amfObject(value);
  return object?.isArray ? [...object.fields.values()] : undefined;
}

/** Whether `value` is a strict array. `Array.isArray` alone does not narrow a readonly array. */
export function isList(value: AmfValue): value is readonly AmfValue[] {
  return Array.isArray(value);
}

function isTagged(
  value: AmfValue,
): value is Exclude<AmfValue, number | string | boolean | null | undefined | readonly AmfValue[]> {
  return typeof value === "object" && value !== null && !isList(value);
}
