/**
 * Command Message, RTMP 1.0 §7.1.1: name, transaction id, command object, then the arguments, in AMF0.
 *
 * Type 17 (AMF3) starts with a format byte of 0 and goes on in AMF0; single values may switch to AMF3 (E-RTMP v2, "Enabling
 * AMF3 in RTMP").
 */

import { ByteWriter } from "../../../bytes/byte-writer.ts";
import { CodedError } from "../../../bytes/coded-error.ts";
import type { AmfValue } from "../../../formats/amf/amf-value.ts";
import { parseAmf0All, writeAmf0 } from "../../../formats/amf/amf0.ts";
import { ERR_RTMP_COMMAND } from "../errors.ts";
import { maxCommandBytes } from "../limits.ts";
import { amf0Part } from "./data.ts";
import { messageTypeId } from "./message-type.ts";

export interface Command {
  readonly name: string;
  /** 0: no answer is wanted. */
  readonly transactionId: number;
  /** An object in `connect`; null (or missing, then undefined) in most others. */
  readonly commandObject: AmfValue;
  readonly arguments: readonly AmfValue[];
}

/** `typeId` is 20 or 17. Errors: ERR_RTMP_COMMAND, ERR_TRUNCATED, the table of AMF. */
export function parseCommand(typeId: number, payload: Uint8Array): Command {
  if (payload.length > maxCommandBytes) {
    throw new CodedError(
      ERR_RTMP_COMMAND,
      `expected a command of at most ${maxCommandBytes} bytes, got ${payload.length}`,
    );
  }
  const values = parseAmf0All(typeId === messageTypeId.commandAmf3 ? amf0Part(payload) : payload);
  const [name, transactionId = 0, commandObject, ...rest] = values;
  if (typeof name !== "string") {
    throw new CodedError(ERR_RTMP_COMMAND, `expected a command's name, got a value of type ${typeof name}`);
  }
  if (typeof transactionId !== "number") {
    throw new CodedError(
      ERR_RTMP_COMMAND,
      `expected the transaction id of a command as a number, got a value of type ${typeof transactionId}`,
    );
  }
  return { name, transactionId, commandObject, arguments: rest };
}

/** The payload of a message of type 20. */
export function writeCommand(command: Command): Uint8Array {
  const writer = new ByteWriter(256);
  writeAmf0(writer, command.name);
  writeAmf0(writer, command.transactionId);
  writeAmf0(writer, command.commandObject === undefined ? null : command.commandObject);
  for (const value of command.arguments) writeAmf0(writer, value);
  return writer.finish();
}
