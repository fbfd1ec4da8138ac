import { describe, expect, it } from "vitest";
import { corpusSeeds } from "../../../test/support/material.ts";
import { AssertionError } from "../../bytes/assert.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_SDP_LIMIT, ERR_SDP_SYNTAX } from "./errors.ts";
import { plainMedia } from "./media-description.ts";
import { sessionCases, writtenCases } from "./session-description.cases.ts";
import { parseSessionDescription, plainSession, writeSessionDescription } from "./session-description.ts";

describe("a session description", () => {
  it.each(sessionCases)("is parsed: $name", ({ lines, session }) => {
    for (const end of ["\r\n", "\n", "\r"]) {
      expect(parseSessionDescription(lines.map((line) => line + end).join(""))).toEqual(session);
    }
  });

  it.each(writtenCases)("is written: $name", ({ lines, session }) => {
    expect(writeSessionDescription(session).split("\r\n")).toEqual([...lines, ""]);
  });

  it.each(sessionCases)("is the same after it was written: $name", ({ session }) => {
    expect(parseSessionDescription(writeSessionDescription(session))).toEqual(session);
  });

  it.each([
    ["nothing", "", ERR_SDP_SYNTAX],
    ["a page of HTML", "<html>\n<body>404</body>", ERR_SDP_SYNTAX],
    ["version 1", "v=1\r\nm=video 0 RTP/AVP 96", ERR_SDP_SYNTAX],
    ["a section without formats", "v=0\r\nm=video 0 RTP/AVP", ERR_SDP_SYNTAX],
    ["an empty section", "v=0\r\nm=", ERR_SDP_SYNTAX],
    ["17 sections", `v=0\n${"m=video 0 RTP/AVP 96\n".repeat(17)}`, ERR_SDP_LIMIT],
    ["65 payload types", `v=0\nm=video 0 RTP/AVP${" 96".repeat(65)}`, ERR_SDP_LIMIT],
    ["2,049 lines", "v=0\n".repeat(2_049), ERR_SDP_LIMIT],
    ["64 KiB and one", `v=0\n${"x".repeat(65_533)}`, ERR_SDP_LIMIT],
  ])("is refused: %s", (_, text, code) => {
    expect(() => parseSessionDescription(text)).toThrow(expect.objectContaining({ code }));
  });

  it("is not written with a line break in a value", () => {
    const media = [{ ...plainMedia, payloadTypes: [96], control: "a\r\na=fingerprint:sha-256 00" }];
    expect(() => writeSessionDescription({ ...plainSession, media })).toThrow(AssertionError);
  });

  it("of every known kind is parsed or refused with a code, and stays the same when it is written", () => {
    for (const folder of ["sdp", "sdp_fmtp", "sdp_ice_fragment"]) {
      for (const { name, bytes } of corpusSeeds(folder)) {
        try {
          const written = writeSessionDescription(parseSessionDescription(new TextDecoder().decode(bytes)));
          expect(writeSessionDescription(parseSessionDescription(written)), name).toBe(written);
        } catch (error) {
          if (!(error instanceof CodedError)) throw error;
        }
      }
    }
  });
});
