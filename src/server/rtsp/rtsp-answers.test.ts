import { describe, expect, it } from "vitest";
import { ERR_NOT_AUTHORIZED, ERR_STREAM_BUSY } from "../../kernel/errors.ts";
import type { RtspCredentials } from "../../protocols/rtsp/server-credentials.ts";
import { accessQueryOf, rejectionOf } from "./rtsp-answers.ts";

const digest = (password: string): RtspCredentials => ({
  ...{ scheme: "digest", username: "anyone", algorithm: "MD5" },
  isPassword: (asked) => asked === password,
});
const basic = (password: string): RtspCredentials => ({ scheme: "basic", username: "anyone", password });

describe("the query that access is decided by", () => {
  it.each<readonly [string, RtspCredentials | undefined, query: string, expected: string]>([
    ["no credentials", undefined, "a=1", "a=1"],
    ["the token as Digest's password", digest("secret"), "a=1", "a=1&token=secret"],
    ["the token as Basic's password", basic("secret"), "", "token=secret"],
    ["the right password and a wrong token", digest("secret"), "token=old", "token=secret"],
    ["a wrong password and a token", digest("other"), "token=secret", "token=secret"],
    ["a wrong password of Basic and a token", basic("other"), "token=secret", "token=secret"],
    ["a wrong password", digest("other"), "", "token=not+the+password"],
    ["a wrong password of Basic", basic("other"), "", "token=other"],
  ])("with %s", (_, credentials, query, expected) => {
    expect(accessQueryOf(query, credentials, "secret")).toBe(expected);
  });

  it("is the client's own where there is no token", () => {
    expect(accessQueryOf("a=1", basic(""), "")).toBe("a=1");
  });
});

describe("the status of a refusal", () => {
  it("asks for credentials where there are some", () => {
    expect([rejectionOf(ERR_NOT_AUTHORIZED, true), rejectionOf(ERR_NOT_AUTHORIZED, false)]).toEqual([401, 403]);
  });

  it("is 403 for a stream that somebody has, and 400 for what the request is to blame for", () => {
    expect([rejectionOf(ERR_STREAM_BUSY, true), rejectionOf("ERR_SDP_SYNTAX", true)]).toEqual([403, 400]);
  });
});
