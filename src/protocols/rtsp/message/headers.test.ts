import { describe, expect, it } from "vitest";
import { parseChallenges, writeChallenge } from "./authenticate.ts";
import { parseAuthorization, writeAuthorization } from "./authorization.ts";
import * as cases from "./headers.cases.ts";
import { parseHeaders, RtspHeaders } from "./headers.ts";
import { quote, splitList, splitParameter } from "./parameters.ts";
import { parseRange, writeLiveRange } from "./range.ts";
import { parseRtpInfo, writeRtpInfo } from "./rtp-info.ts";
import { parseSession, writeSession } from "./session-header.ts";
import { parseTransports, writeTransport } from "./transport.ts";

/** Reads, writes, and reads again. */
function check<T>(
  name: string,
  table: readonly cases.HeaderCase<T>[],
  parse: (text: string) => T,
  write: (value: T) => string,
): void {
  describe(name, () => {
    it.each(table)("$text", ({ text, value, written }) => {
      expect(parse(text)).toEqual(value);
      expect(write(value)).toBe(written ?? text);
    });
  });
}

check("Transport", cases.transportCases, parseTransports, (all) => all.map(writeTransport).join(","));
check("Session", cases.sessionCases, parseSession, writeSession);
check("Range", cases.rangeCases, parseRange, writeLiveRange);
check("RTP-Info", cases.rtpInfoCases, parseRtpInfo, writeRtpInfo);
check(
  "WWW-Authenticate",
  cases.challengeCases,
  (text) => parseChallenges([text]),
  (all) => all.map(writeChallenge).join(", "),
);
check("Authorization", cases.authorizationCases, parseAuthorization, (value) =>
  value === undefined ? "" : writeAuthorization(value),
);

const parsers = {
  transport: parseTransports,
  session: parseSession,
  range: parseRange,
  authorization: parseAuthorization,
};

it.each(cases.badHeaders)("refuses %s %j", (parser, text) => {
  expect(() => parsers[parser](text)).toThrowError(expect.objectContaining({ code: "ERR_RTSP_HEADER" }));
});

it("does not repeat credentials in an error", () => {
  expect(() => parseAuthorization("Digest secret")).toThrowError(/^(?!.*secret)/);
});

it("refuses more items than there is a use for", () => {
  expect(() => splitList("a,".repeat(65), ",")).toThrowError(expect.objectContaining({ code: "ERR_RTSP_TOO_LONG" }));
  expect(splitList("a,".repeat(64), ",").length).toBe(64);
});

it("splits outside of quotes", () => {
  expect(splitList('a="x,y", b="\\",";c', ",")).toEqual(['a="x,y"', 'b="\\",";c']);
  expect(splitParameter('Name = "a\\"b"')).toEqual({ name: "name", value: 'a"b' });
  expect(splitParameter('name="open')).toEqual({ name: "name", value: "open" });
  expect(splitParameter('name="')).toEqual({ name: "name", value: "" });
});

it("quotes without control characters", () => {
  expect(quote('a"\r\nb\\')).toBe('"a\\"b\\\\"');
});

describe("a block of headers", () => {
  it("knows names in any case, and keeps what repeats in order", () => {
    const headers = parseHeaders(["CSeq:  1\t", "X-a: b: c", "x-A:"], false);
    expect([headers.get("cseq"), headers.getAll("x-a"), headers.get("y")]).toEqual(["1", ["b: c", ""], undefined]);
    expect([...headers]).toEqual([
      ...new RtspHeaders([
        ["CSEQ", "1"],
        ["x-a", "b: c"],
        ["x-a", ""],
      ]),
    ]);
  });

  it.each(["", " folded", "no colon", ": empty", "a b: c", "a\u0000: b", "a: \u0000", "a: b\rc: d", "a: \u007f"])(
    "refuses %j",
    (line) => {
      expect(() => parseHeaders([line], false)).toThrowError(expect.objectContaining({ code: "ERR_RTSP_MESSAGE" }));
    },
  );

  it("lets a camera have lines that are none, but no control characters", () => {
    const headers = parseHeaders(["nonsense", " folded", "CSeq : 1"], true);
    expect([...headers]).toEqual([["cseq", "1"]]);
    expect(() => parseHeaders(["a: \u0000"], true)).toThrowError(expect.objectContaining({ code: "ERR_RTSP_MESSAGE" }));
  });
});
