import type { RtpPacketFields } from "./packet-writer.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(" ", ""));

export const rtpPacketCases: readonly { name: string; bytes: Uint8Array; fields: RtpPacketFields }[] = [
  {
    name: "a plain packet",
    bytes: hex("80 60 1234 89abcdef 01020304 6588"),
    fields: {
      payloadType: 96,
      sequenceNumber: 0x1234,
      timestamp: 0x89ab_cdef,
      ssrc: 0x0102_0304,
      payload: hex("6588"),
    },
  },
  {
    name: "marker and the highest values",
    bytes: hex("80 ff ffff ffffffff ffffffff 01"),
    fields: {
      marker: true,
      payloadType: 127,
      sequenceNumber: 0xffff,
      timestamp: 0xffff_ffff,
      ssrc: 0xffff_ffff,
      payload: hex("01"),
    },
  },
  {
    name: "no payload",
    bytes: hex("80 00 0000 00000000 00000000"),
    fields: { payloadType: 0, sequenceNumber: 0, timestamp: 0, ssrc: 0, payload: hex("") },
  },
  {
    name: "two contributing sources and padding",
    bytes: hex("a2 08 0001 00000002 00000003 0000000a fffffffe 55 000003"),
    fields: {
      payloadType: 8,
      sequenceNumber: 1,
      timestamp: 2,
      ssrc: 3,
      csrcs: [10, 0xffff_fffe],
      payload: hex("55"),
      paddingBytes: 3,
    },
  },
  {
    name: "nothing but padding, as bandwidth probes of browsers",
    bytes: hex("a0 60 0001 00000002 00000003 00000004"),
    fields: { payloadType: 96, sequenceNumber: 1, timestamp: 2, ssrc: 3, payload: hex(""), paddingBytes: 4 },
  },
  {
    name: "extension with headers of one byte (RFC 8285 §4.2)",
    bytes: hex("90 60 0001 00000002 00000003 bede0003 10aa 22bbccdd 32eeff11 0000 55"),
    fields: {
      payloadType: 96,
      sequenceNumber: 1,
      timestamp: 2,
      ssrc: 3,
      extensions: [
        { id: 1, bytes: hex("aa") },
        { id: 2, bytes: hex("bbccdd") },
        { id: 3, bytes: hex("eeff11") },
      ],
      payload: hex("55"),
    },
  },
  {
    name: "extension with headers of two bytes (RFC 8285 §4.3)",
    bytes: hex("90 60 0001 00000002 00000003 10000002 0100 0f01aa 000000 55"),
    fields: {
      payloadType: 96,
      sequenceNumber: 1,
      timestamp: 2,
      ssrc: 3,
      extensions: [
        { id: 1, bytes: hex("") },
        { id: 15, bytes: hex("aa") },
      ],
      payload: hex("55"),
    },
  },
];

export const badRtpPackets: readonly { name: string; bytes: Uint8Array }[] = [
  { name: "nothing", bytes: hex("") },
  { name: "eleven bytes", bytes: hex("80 60 0001 00000002 000000") },
  { name: "version 1", bytes: hex("40 60 0001 00000002 00000003") },
  { name: "contributing sources past the end", bytes: hex("82 60 0001 00000002 00000003 00000001") },
  { name: "an extension that is not there", bytes: hex("90 60 0001 00000002 00000003 bede") },
  { name: "an extension past the end", bytes: hex("90 60 0001 00000002 00000003 bede0001") },
  { name: "no room for padding", bytes: hex("a0 60 0001 00000002 00000003") },
  { name: "padding of 0", bytes: hex("a0 60 0001 00000002 00000003 00") },
  { name: "padding into the header", bytes: hex("a0 60 0001 00000002 00000003 0003") },
  { name: "padding into the extension", bytes: hex("b0 60 0001 00000002 00000003 bede0001 00000005") },
];
