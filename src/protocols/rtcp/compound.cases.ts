import type { RtcpMessage } from "./compound.ts";
import { notReceived, receivedAnytime } from "./message/transport-feedback.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(" ", ""));

export const rtcpCases: readonly { name: string; bytes: Uint8Array; messages: readonly RtcpMessage[] }[] = [
  {
    name: "a sender report with a block, and a description",
    bytes: hex(
      "81c8000c 00000001 e8d4a510 80000000 ffffffff 0000000a 00001000" +
        "00000002 40 000003 00010005 00000007 a5108000 00010000" +
        "81ca0004 00000001 01 07 6d696c6c726163 0000 00",
    ),
    messages: [
      {
        kind: "senderReport",
        ssrc: 1,
        ntp: { seconds: 0xe8d4_a510, fraction: 0x8000_0000 },
        rtpTimestamp: 0xffff_ffff,
        packetCount: 10,
        octetCount: 4_096,
        reports: [
          {
            ssrc: 2,
            fractionLost: 64,
            totalLost: 3,
            highestSequence: 0x1_0005,
            jitter: 7,
            lastSenderReport: 0xa510_8000,
            delay: 0x1_0000,
          },
        ],
      },
      { kind: "sourceDescription", chunks: [{ ssrc: 1, cname: "millrac" }] },
    ],
  },
  {
    name: "an empty receiver report, a description and a goodbye",
    bytes: hex("80c90001 11223344 81ca0003 11223344 0104 63616d31 0000 81cb0002 11223344 02676f00"),
    messages: [
      { kind: "receiverReport", ssrc: 0x1122_3344, reports: [] },
      { kind: "sourceDescription", chunks: [{ ssrc: 0x1122_3344, cname: "cam1" }] },
      { kind: "bye", ssrcs: [0x1122_3344], reason: "go" },
    ],
  },
  {
    name: "a goodbye without a reason, and one of nobody",
    bytes: hex("81cb0001 00000005 80cb0000"),
    messages: [
      { kind: "bye", ssrcs: [5], reason: undefined },
      { kind: "bye", ssrcs: [], reason: undefined },
    ],
  },
  {
    name: "an application's packet",
    bytes: hex("85cc0003 00000001 71746163 01020304"),
    messages: [{ kind: "app", subtype: 5, ssrc: 1, name: 0x7174_6163, data: hex("01020304") }],
  },
  {
    name: "NACK over the wrap, reduced size",
    bytes: hex("81cd0004 00000001 00000002 fffe8005 00640000"),
    messages: [{ kind: "nack", senderSsrc: 1, mediaSsrc: 2, lost: [0xfffe, 0xffff, 1, 14, 100] }],
  },
  {
    name: "PLI and FIR",
    bytes: hex("81ce0002 00000001 00000002 84ce0004 00000001 00000000 00000002 07000000"),
    messages: [
      { kind: "pictureLoss", senderSsrc: 1, mediaSsrc: 2 },
      { kind: "fullIntraRequest", senderSsrc: 1, entries: [{ ssrc: 2, sequence: 7 }] },
    ],
  },
  {
    name: "REMB",
    bytes: hex("8fce0005 00000001 00000000 52454d42 011a20df 4874ed16"),
    messages: [{ kind: "maxBitrate", senderSsrc: 1, bitsPerSecond: 8_927_168, ssrcs: [0x4874_ed16] }],
  },
  {
    name: "TWCC with a run and a vector",
    bytes: hex("8fcd0008 00000001 00000002 0005000c fffffe09 200a ec00 000000000000000000ff ff38"),
    messages: [
      {
        kind: "transportFeedback",
        senderSsrc: 1,
        mediaSsrc: 2,
        baseSequence: 5,
        referenceTime: -2,
        feedbackCount: 9,
        arrivals: [0, 0, 0, 0, 0, 0, 0, 0, 0, 255, -200, receivedAnytime],
      },
    ],
  },
  {
    name: "TWCC with padding",
    bytes: hex("afcd0005 00000001 00000002 00070001 00000100 d000 0a01"),
    messages: [
      {
        kind: "transportFeedback",
        senderSsrc: 1,
        mediaSsrc: 2,
        baseSequence: 7,
        referenceTime: 1,
        feedbackCount: 0,
        arrivals: [10],
      },
    ],
  },
  {
    name: "TWCC with packets that did not come",
    bytes: hex("8fcd0005 00000001 00000002 00000003 00000100 d100 0a14"),
    messages: [
      {
        kind: "transportFeedback",
        senderSsrc: 1,
        mediaSsrc: 2,
        baseSequence: 0,
        referenceTime: 1,
        feedbackCount: 0,
        arrivals: [10, notReceived, 20],
      },
    ],
  },
];
