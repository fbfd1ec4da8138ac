import { describe, expect, test } from "vitest";
import * as bridgeErrors from "../../bridges/errors.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import * as kernelErrors from "../../kernel/errors.ts";
import * as runtimeErrors from "../../runtime/errors.ts";
import * as serverErrors from "../errors.ts";
import { problemOf } from "./problem.ts";

/** What no request can meet: they concern a publisher's frames, a subscriber in the process, a log, the start, or RTSP. */
const elsewhere: ReadonlySet<string> = new Set([
  ...[kernelErrors.ERR_LOG_ENTRY_TOO_LARGE, kernelErrors.ERR_LOG_BROKEN, kernelErrors.ERR_SUBSCRIBER_EVICTED],
  ...[kernelErrors.ERR_PUBLICATION_ENDED, bridgeErrors.ERR_FRAME_WITHOUT_CONFIG],
  ...[serverErrors.ERR_INTERNAL, serverErrors.ERR_CERTIFICATE],
  ...[runtimeErrors.ERR_LISTEN, runtimeErrors.ERR_ADDON_UNAVAILABLE],
  ...[bridgeErrors.ERR_TRACKS_CHANGED, bridgeErrors.ERR_NOTHING_TO_PUBLISH],
  ...[serverErrors.ERR_RTSP_TRACK_LEFT_OUT, serverErrors.ERR_RTSP_TLS_ON_PLAIN_PORT],
  serverErrors.ERR_RTSP_UDP_PORTS,
]);
const codes = Object.values({ ...kernelErrors, ...bridgeErrors, ...runtimeErrors, ...serverErrors });

describe("a coded error", () => {
  test.each(codes.filter((code) => !elsewhere.has(code)))("%s has a status of its own, and says its words", (code) => {
    const problem = problemOf(new CodedError(code, "words"));
    expect(problem).toMatchObject({ type: "about:blank", code, detail: "words" });
    expect(problem.status).not.toBe(500);
    expect(problem.title).toMatch(/^[A-Z][a-z ]+$/); // goes into a status line
  });
});

test.each([[new TypeError("secret words")], ["a string"], [undefined]])(
  "a mistake of ours (%s) says nothing but that it is one",
  (error) => {
    expect(problemOf(error)).toMatchObject({ status: 500, code: "ERR_INTERNAL", title: "Internal error" });
    expect(JSON.stringify(problemOf(error))).not.toContain("secret");
  },
);
