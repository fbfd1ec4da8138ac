import { describe, expect, it } from "vitest";
import { ERR_RTP_HEADER } from "./errors.ts";
import { HeaderExtensionWalker } from "./header-extension.ts";
import { maxHeaderExtensions } from "./limits.ts";
import { badRtpPackets, rtpPacketCases } from "./packet.cases.ts";
import { isRtcpPacket, RtpPacket, rtpHeaderLength, writeRtpHeader } from "./packet.ts";
import { type RtpPacketFields, writeRtpPacket } from "./packet-writer.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(" ", ""));

describe("an RTP packet", () => {
  it.each(rtpPacketCases)("is parsed: $name", ({ bytes, fields }) => {
    const before = bytes.slice();
    expect(fieldsOf(new RtpPacket().parse(bytes))).toEqual(complete(fields));
    expect(bytes).toEqual(before);
  });

  it.each(rtpPacketCases)("is written: $name", ({ bytes, fields }) => {
    expect(writeRtpPacket(fields)).toEqual(bytes);
  });

  it.each(badRtpPackets)("is refused: $name", ({ bytes }) => {
    const packet = new RtpPacket().parse(rtpPacketCases[0]!.bytes);
    expect(() => packet.parse(bytes)).toThrow(expect.objectContaining({ code: ERR_RTP_HEADER }));
    expect(fieldsOf(packet)).toEqual(complete(rtpPacketCases[0]!.fields)); // as it was
  });

  it("has its plain header written in place", () => {
    const bytes = new Uint8Array(rtpHeaderLength + 4).fill(0xee);
    writeRtpHeader(bytes, 2, true, 127, 0xffff, 0xffff_ffff, 0x0102_0304);
    expect(bytes).toEqual(hex("eeee 80ff ffff ffffffff 01020304 eeee"));
  });

  it("is told from RTCP on one port", () => {
    expect(isRtcpPacket(hex("80c8"))).toBe(true);
    expect(isRtcpPacket(hex("81df"))).toBe(true);
    expect(isRtcpPacket(hex("80e0"))).toBe(false); // payload type 96 with a marker
    expect(isRtcpPacket(hex("8060"))).toBe(false);
    expect(isRtcpPacket(hex("80"))).toBe(false);
  });
});

describe("a header extension", () => {
  it("ends at id 15 in the form of one byte", () => {
    expect(elementsOf("bede0002 10aa f0bb 20cc 0000")).toEqual([{ id: 1, bytes: hex("aa") }]);
  });

  it("of another profile has no elements", () => {
    expect(elementsOf("abcd0001 10aa 0000")).toEqual([]);
    expect(elementsOf("10100001 01000000")).toEqual([]);
  });

  it("has appbits that are passed over", () => {
    expect(elementsOf("100f0001 0501aa00")).toEqual([{ id: 5, bytes: hex("aa") }]);
  });

  it.each([
    ["an element longer than the rest", "bede0001 13aabbcc"],
    ["a header of two bytes cut in half", "10000001 00000005"],
    ["a long element longer than the rest", "10000001 0503aabb"],
    ["more elements than anybody sends", `bede0009${"1000".repeat(maxHeaderExtensions + 1)}0000`],
  ])("is refused with %s", (_, extension) => {
    expect(() => elementsOf(extension)).toThrow(expect.objectContaining({ code: ERR_RTP_HEADER }));
  });
});

function elementsOf(extension: string): unknown {
  return fieldsOf(new RtpPacket().parse(hex(`90600001 00000002 00000003 ${extension}`))).extensions;
}

function complete(fields: RtpPacketFields): Required<RtpPacketFields> {
  return { marker: false, csrcs: [], extensions: [], paddingBytes: 0, ...fields };
}

function fieldsOf(packet: RtpPacket): Required<RtpPacketFields> {
  const walker = new HeaderExtensionWalker().reset(packet);
  const extensions: { id: number; bytes: Uint8Array }[] = [];
  while (walker.next()) extensions.push({ id: walker.id, bytes: packet.bytes.slice(walker.start, walker.end) });
  return {
    marker: packet.marker,
    payloadType: packet.payloadType,
    sequenceNumber: packet.sequenceNumber,
    timestamp: packet.timestamp,
    ssrc: packet.ssrc,
    csrcs: Array.from({ length: packet.csrcCount }, (_, i) => packet.csrc(i)),
    extensions,
    payload: packet.payload(),
    paddingBytes: packet.bytes.length - packet.payloadEnd,
  };
}
