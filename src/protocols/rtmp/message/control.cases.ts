/** Control messages: value and bytes, both ways. One table for the test, the round trip and the fuzz seeds. */

import { parseAbort, writeAbort } from "./abort.ts";
import { parseAcknowledgement, writeAcknowledgement } from "./acknowledgement.ts";
import { parseSetChunkSize, writeSetChunkSize } from "./set-chunk-size.ts";
import { parseSetPeerBandwidth, writeSetPeerBandwidth } from "./set-peer-bandwidth.ts";
import { parseUserControl, writeUserControl } from "./user-control.ts";
import { parseWindowAcknowledgementSize, writeWindowAcknowledgementSize } from "./window-acknowledgement-size.ts";

export interface ControlCase {
  readonly what: string;
  readonly typeId: number;
  readonly hex: string;
  readonly value: unknown;
  readonly parse: (payload: Uint8Array) => unknown;
  readonly write: () => Uint8Array;
}

function numberCases(
  what: string,
  typeId: number,
  values: readonly number[],
  parse: (payload: Uint8Array) => number,
  write: (value: number) => Uint8Array,
): ControlCase[] {
  return values.map((value) => ({
    what: `${what} ${value}`,
    typeId,
    hex: value.toString(16).padStart(8, "0"),
    value,
    parse,
    write: () => write(value),
  }));
}

function userControlCase(hex: string, value: ReturnType<typeof parseUserControl>): ControlCase {
  const write = (): Uint8Array => writeUserControl(value);
  return { what: `user control ${value.event}`, typeId: 4, hex, value, parse: parseUserControl, write };
}

function bandwidthCase(hex: string, value: ReturnType<typeof parseSetPeerBandwidth>): ControlCase {
  const write = (): Uint8Array => writeSetPeerBandwidth(value);
  return { what: `peer bandwidth, ${value.limitType}`, typeId: 6, hex, value, parse: parseSetPeerBandwidth, write };
}

const u32Edges = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

export const controlCases: readonly ControlCase[] = [
  ...numberCases("chunk size", 1, [1, 128, 60_000, 0x7fff_ffff], parseSetChunkSize, writeSetChunkSize),
  ...numberCases("abort", 2, [2, 65_599, 0xffff_ffff], parseAbort, writeAbort),
  ...numberCases("acknowledgement", 3, u32Edges, parseAcknowledgement, writeAcknowledgement),
  ...numberCases("window", 5, u32Edges, parseWindowAcknowledgementSize, writeWindowAcknowledgementSize),
  bandwidthCase("002625a000", { windowBytes: 2_500_000, limitType: "hard" }),
  bandwidthCase("002625a001", { windowBytes: 2_500_000, limitType: "soft" }),
  bandwidthCase("ffffffff02", { windowBytes: 0xffff_ffff, limitType: "dynamic" }),
  userControlCase("000000000001", { event: "stream-begin", messageStreamId: 1 }),
  userControlCase("0001ffffffff", { event: "stream-eof", messageStreamId: 0xffff_ffff }),
  userControlCase("000200000001", { event: "stream-dry", messageStreamId: 1 }),
  userControlCase("00030000000100000bb8", { event: "set-buffer-length", messageStreamId: 1, bufferLengthMs: 3000 }),
  userControlCase("000400000001", { event: "stream-is-recorded", messageStreamId: 1 }),
  userControlCase("000680000000", { event: "ping-request", timestamp: 0x8000_0000 }),
  userControlCase("000700000001", { event: "ping-response", timestamp: 1 }),
  userControlCase("001a", { event: "other", eventType: 26, data: new Uint8Array(0) }),
  userControlCase("002000000001", { event: "other", eventType: 32, data: Uint8Array.of(0, 0, 0, 1) }),
];
