/**
 * The body of a script tag, which is also the body of RTMP's data message: a name and its argument in AMF0 (FLV 10.1,
 * §E.4.4; onMetaData §E.5). Tags and messages of type 15 begin with a byte of 0 before the same.
 */

import { ByteReader } from "../../bytes/byte-reader.ts";
import { ByteWriter } from "../../bytes/byte-writer.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { type AmfValue, amfString, makeAmfArray } from "../amf/amf-value.ts";
import { parseAmf0, writeAmf0 } from "../amf/amf0.ts";
import { ERR_FLV_SCRIPT } from "./errors.ts";

export interface ScriptData {
  /** "onMetaData", "onTextData", "onFI"… */
  readonly name: string;
  /** The first argument; undefined when there is none. */
  readonly value: AmfValue;
}

/**
 * Reads name and first argument. Publishers put "@setDataFrame" before the name, which tells an RTMP server to keep what
 * follows for later players; it is not part of the data. Errors: ERR_TRUNCATED, ERR_FLV_SCRIPT and those of AMF0.
 */
export function parseScriptData(body: Uint8Array): ScriptData {
  const reader = new ByteReader(body);
  let name = parseName(reader);
  if (name === "@setDataFrame") name = parseName(reader);
  return { name, value: reader.left > 0 ? parseAmf0(reader) : undefined };
}

/** The body of an onMetaData tag with `fields`, in their order. */
export function writeOnMetaData(fields: Readonly<Record<string, AmfValue>>): Uint8Array {
  const writer = new ByteWriter(512);
  writeAmf0(writer, "onMetaData");
  writeAmf0(writer, makeAmfArray(fields));
  return writer.finish();
}

function parseName(reader: ByteReader): string {
  const name = amfString(parseAmf0(reader));
  if (name === undefined) throw new CodedError(ERR_FLV_SCRIPT, "expected script data to begin with a name in AMF0");
  return name;
}
