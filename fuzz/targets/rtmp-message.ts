/** The payload of each kind of message under random bytes: the first byte is the type. */

import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { parseAbort } from "../../src/protocols/rtmp/message/abort.ts";
import { parseAcknowledgement } from "../../src/protocols/rtmp/message/acknowledgement.ts";
import { aggregateCases } from "../../src/protocols/rtmp/message/aggregate.cases.ts";
import { parseAggregate, writeAggregate } from "../../src/protocols/rtmp/message/aggregate.ts";
import { badCommandCases, commandCases } from "../../src/protocols/rtmp/message/command.cases.ts";
import { type Command, parseCommand, writeCommand } from "../../src/protocols/rtmp/message/command.ts";
import { parseConnect } from "../../src/protocols/rtmp/message/connect.ts";
import { controlCases } from "../../src/protocols/rtmp/message/control.cases.ts";
import { parseData } from "../../src/protocols/rtmp/message/data.ts";
import { messageTypeId, messageTypeOf, type RtmpMessage } from "../../src/protocols/rtmp/message/message-type.ts";
import { parsePlay } from "../../src/protocols/rtmp/message/play.ts";
import { parsePublish } from "../../src/protocols/rtmp/message/publish.ts";
import { parseSetChunkSize } from "../../src/protocols/rtmp/message/set-chunk-size.ts";
import { parseSetPeerBandwidth, writeSetPeerBandwidth } from "../../src/protocols/rtmp/message/set-peer-bandwidth.ts";
import { parseUserControl, writeUserControl } from "../../src/protocols/rtmp/message/user-control.ts";
import { parseWindowAcknowledgementSize } from "../../src/protocols/rtmp/message/window-acknowledgement-size.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtmp-message",
  covers: [
    "src/protocols/rtmp/capabilities.ts",
    "src/protocols/rtmp/message/abort.ts",
    "src/protocols/rtmp/message/acknowledgement.ts",
    "src/protocols/rtmp/message/aggregate.ts",
    "src/protocols/rtmp/message/command.ts",
    "src/protocols/rtmp/message/connect.ts",
    "src/protocols/rtmp/message/data.ts",
    "src/protocols/rtmp/message/play.ts",
    "src/protocols/rtmp/message/publish.ts",
    "src/protocols/rtmp/message/set-chunk-size.ts",
    "src/protocols/rtmp/message/set-peer-bandwidth.ts",
    "src/protocols/rtmp/message/user-control.ts",
    "src/protocols/rtmp/message/window-acknowledgement-size.ts",
  ],
  corpora: ["amf0", "rtmp_message"],
  seeds: () =>
    [
      ...controlCases.map(({ typeId, hex }) => [typeId, hex] as const),
      ...[...commandCases, ...badCommandCases].map(({ typeId, hex }) => [typeId, hex] as const),
      ...aggregateCases.map(({ hex }) => [messageTypeId.aggregate, hex] as const),
    ].map(([typeId, hex]) => Uint8Array.of(typeId, ...Uint8Array.fromHex(hex.replaceAll(" ", "")))),
  run(bytes) {
    const payload = bytes.subarray(1);
    switch (bytes[0]) {
      case messageTypeId.setChunkSize:
        assert(parseSetChunkSize(payload) > 0, "a chunk size of 0");
        break;
      case messageTypeId.abort:
        parseAbort(payload);
        break;
      case messageTypeId.acknowledgement:
        parseAcknowledgement(payload);
        break;
      case messageTypeId.userControl: {
        const written = writeUserControl(parseUserControl(payload));
        requireStable(written, payload.subarray(0, written.length));
        break;
      }
      case messageTypeId.windowAcknowledgementSize:
        parseWindowAcknowledgementSize(payload);
        break;
      case messageTypeId.setPeerBandwidth:
        requireStable(writeSetPeerBandwidth(parseSetPeerBandwidth(payload)), payload.subarray(0, 5));
        break;
      case messageTypeId.dataAmf3:
        parseData(messageTypeId.dataAmf3, payload);
        break;
      case messageTypeId.aggregate:
        aggregate(payload);
        break;
      case messageTypeId.commandAmf3:
        command(parseCommand(messageTypeId.commandAmf3, payload));
        break;
      default: // seeds of AMF have no type in front
        command(parseCommand(messageTypeId.commandAmf0, bytes[0] === messageTypeId.commandAmf0 ? payload : bytes));
        break;
    }
  },
};

function aggregate(payload: Uint8Array): void {
  const { aggregate: typeId } = messageTypeId;
  const message = { type: messageTypeOf(typeId), typeId, timestamp: 5, messageStreamId: 1, chunkStreamId: 4, payload };
  const parts: RtmpMessage[] = parseAggregate(message);
  const again = parseAggregate({ ...message, payload: writeAggregate(parts) });
  assert(parts.length === again.length, "an aggregate is not stable");
  assert(
    parts.every((part, i) => part.timestamp === again[i]?.timestamp && part.typeId === again[i]?.typeId),
    "the messages of an aggregate are not stable",
  );
}

function command(parsed: Command): void {
  const written = writeCommand(parsed);
  requireStable(writeCommand(parseCommand(messageTypeId.commandAmf0, written)), written);
  for (const parse of [parseConnect, parsePublish, parsePlay]) {
    try {
      parse(parsed);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
  }
}

function requireStable(a: Uint8Array, b: Uint8Array): void {
  assert(a.length === b.length && a.every((byte, i) => byte === b[i]), "what was read and written is not the same");
}
