import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { vectors } from "../../../test/support/material.ts";
import { rtcpCases } from "./compound.cases.ts";
import { parseRtcp, writeRtcp } from "./compound.ts";
import { ERR_RTCP_PACKET } from "./errors.ts";
import { maxFeedbackPackets, maxNackedPackets, maxRtcpPackets, maxSdesItems } from "./limits.ts";
import { notReceived, receivedAnytime } from "./message/transport-feedback.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(" ", ""));
const refused = expect.objectContaining({ code: ERR_RTCP_PACKET });

describe("RTCP", () => {
  it.each(rtcpCases)("is parsed: $name", ({ bytes, messages }) => {
    const before = bytes.slice();
    expect(parseRtcp(bytes)).toEqual(messages);
    expect(bytes).toEqual(before);
  });

  it.each(rtcpCases)("is written: $name", ({ bytes, messages }) => {
    expect(writeRtcp(messages).toHex()).toBe(bytes.toHex());
  });

  it.each(rtcpCases)("is refused when it is cut: $name", ({ bytes, messages }) => {
    for (let length = 0; length < bytes.length; length++) {
      let parsed: unknown[];
      try {
        parsed = parseRtcp(bytes.subarray(0, length));
      } catch (error) {
        expect(error).toEqual(refused);
        continue;
      }
      expect(parsed).toEqual(messages.slice(0, parsed.length)); // cut between two messages
    }
  });

  it("passes over what it does not know: XR, SLI, another application's feedback", () => {
    const bytes = hex(
      "80cf0002 00000001 04000000 82ce0003 00000001 00000002 00000000 8fce0004 00000001 00000002 12345678 00000000",
    );
    expect(parseRtcp(bytes)).toEqual([]);
  });

  it("passes over a profile's extension behind a report", () => {
    expect(parseRtcp(hex("80c90002 00000001 deadbeef"))).toEqual([{ kind: "receiverReport", ssrc: 1, reports: [] }]);
  });

  it("passes over the other items of a description", () => {
    expect(parseRtcp(hex("81ca0004 00000001 02026162 01026364 0401ff00"))).toEqual([
      { kind: "sourceDescription", chunks: [{ ssrc: 1, cname: "cd" }] },
    ]);
  });

  it.each([
    ["too many messages", "80cb0000".repeat(maxRtcpPackets + 1)],
    [
      "a NACK of too many packets",
      `81cd${(2 + 61).toString(16).padStart(4, "0")}0000000100000002${"0000ffff".repeat(61)}`,
    ],
    [
      "too many SDES items",
      `81ca${(1 + (2 * (maxSdesItems + 2)) / 4).toString(16).padStart(4, "0")}00000001${"0200".repeat(maxSdesItems + 2)}`,
    ],
    [
      "feedback about too many packets",
      `8fcd0005 00000001 00000002 0000${(maxFeedbackPackets + 1).toString(16).padStart(4, "0")} 00000000 3fff0000`,
    ],
    ["feedback with a run of nothing", "8fcd0005 00000001 00000002 00000001 00000000 20000000"],
    ["feedback without its deltas", "8fcd0005 00000001 00000002 00000003 00000000 20030000"],
  ])("is refused with %s", (_, bytes) => {
    expect(() => parseRtcp(hex(bytes))).toThrow(refused);
  });

  it("has a limit of NACKs that a browser does not reach", () => {
    expect(maxNackedPackets).toBeLessThan(61 * 17);
    expect(parseRtcp(hex(`81cd003e0000000100000002${"0000ffff".repeat(60)}`))).toEqual([
      expect.objectContaining({ kind: "nack", lost: expect.objectContaining({ length: 60 * 17 }) }),
    ]);
  });
});

describe("vectors of RTCP", () => {
  it.each(vectors("rtcp"))("$id", ({ data, expect: expected }) => {
    expect(parseRtcp(hex(data)).map(inWordsOfTheVectors)).toEqual(
      expected.map(({ type: _t, format: _f, ...rest }: object & { type: number; format: number }) => rest),
    );
  });

  it.each(vectors("rtcp-reject").flatMap(({ reject }) => reject as { name: string; data: string }[]))(
    "refuse $name",
    ({ data }) => {
      expect(() => parseRtcp(hex(data))).toThrow(refused);
    },
  );

  it.each(vectors("rtcp-twcc"))("$id", ({ data, expect: expected }) => {
    const [message] = parseRtcp(hex(data));
    if (message?.kind !== "transportFeedback") throw new Error("expected transport feedback");
    const { kind: _, arrivals, ...head } = message;
    const { symbols, deltasUs, ...expectedHead } = expected as { symbols: number[]; deltasUs: number[] };
    const deltas = deltasUs.map((us) => us / 250);
    const timed = (symbol: number) => (symbol === 0 ? notReceived : symbol === 3 ? receivedAnytime : deltas.shift());
    expect(head).toEqual(expectedHead);
    expect(arrivals).toEqual(symbols.map(timed));
  });
});

it("any transport feedback comes back as it went", () => {
  const arrival = fc.oneof(
    fc.integer({ min: -0x8000, max: 0x7fff }),
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(notReceived, receivedAnytime),
  );
  const runs = fc.array(fc.tuple(arrival, fc.integer({ min: 1, max: 20 })), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(runs, (runs) => {
      const arrivals = runs.flatMap(([value, count]) => Array.from({ length: count }, () => value));
      const message = {
        kind: "transportFeedback",
        senderSsrc: 1,
        mediaSsrc: 2,
        baseSequence: 3,
        referenceTime: -4,
        feedbackCount: 5,
        arrivals,
      } as const;
      expect(parseRtcp(writeRtcp([message]))).toEqual([message]);
    }),
  );
});

it("any NACK asks for the same packets when it is written and read", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { minLength: 1 }),
      fc.integer({ min: 0, max: 0xffff }),
      (offsets, first) => {
        const lost = offsets.sort((a, b) => a - b).map((offset) => (first + offset) & 0xffff);
        const message = { kind: "nack", senderSsrc: 1, mediaSsrc: 2, lost } as const;
        expect(parseRtcp(writeRtcp([message]))).toEqual([message]);
      },
    ),
  );
});

function inWordsOfTheVectors(message: ReturnType<typeof parseRtcp>[number]): object {
  const { kind, ...rest } = message;
  if (message.kind === "senderReport") {
    const { ssrc, ntp, rtpTimestamp, packetCount, octetCount, reports } = message;
    const ntpHex = ntp.seconds.toString(16).padStart(8, "0") + ntp.fraction.toString(16).padStart(8, "0");
    return { ssrc, ntp: ntpHex, rtpTime: rtpTimestamp, packets: packetCount, octets: octetCount, reports };
  }
  if (message.kind === "maxBitrate") {
    return { senderSsrc: message.senderSsrc, mediaSsrc: 0, bitrate: message.bitsPerSecond, ssrcs: message.ssrcs };
  }
  return kind === "fullIntraRequest" ? { ...rest, mediaSsrc: 0 } : rest;
}
