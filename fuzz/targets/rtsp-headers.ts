/** Header values under random text: what was read and written is read again as the same. */

import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { parseChallenges, writeChallenge } from "../../src/protocols/rtsp/message/authenticate.ts";
import { parseAuthorization, writeAuthorization } from "../../src/protocols/rtsp/message/authorization.ts";
import * as cases from "../../src/protocols/rtsp/message/headers.cases.ts";
import { hasControls, parseHeaders, RtspHeaders } from "../../src/protocols/rtsp/message/headers.ts";
import { parseContentLength } from "../../src/protocols/rtsp/message/message.ts";
import { parseRange, writeLiveRange } from "../../src/protocols/rtsp/message/range.ts";
import { parseRtpInfo, writeRtpInfo } from "../../src/protocols/rtsp/message/rtp-info.ts";
import { parseSession, writeSession } from "../../src/protocols/rtsp/message/session-header.ts";
import { parseTransports, writeTransport } from "../../src/protocols/rtsp/message/transport.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtsp-headers",
  covers: [
    "src/protocols/rtsp/message/authenticate.ts",
    "src/protocols/rtsp/message/authorization.ts",
    "src/protocols/rtsp/message/headers.ts",
    "src/protocols/rtsp/message/message.ts",
    "src/protocols/rtsp/message/range.ts",
    "src/protocols/rtsp/message/rtp-info.ts",
    "src/protocols/rtsp/message/session-header.ts",
    "src/protocols/rtsp/message/transport.ts",
  ],
  corpora: ["rtsp_headers"],
  *seeds() {
    const tables = [
      cases.transportCases,
      cases.sessionCases,
      cases.rangeCases,
      cases.rtpInfoCases,
      cases.challengeCases,
      cases.authorizationCases,
    ];
    for (const table of tables) for (const { text } of table) yield new TextEncoder().encode(text);
    for (const [, text] of cases.badHeaders) yield new TextEncoder().encode(text);
  },
  run(bytes) {
    const text = new TextDecoder().decode(bytes);
    check(text, parseTransports, (all) => all.map(writeTransport).join(","));
    check(text, parseSession, writeSession);
    check(text, parseRtpInfo, writeRtpInfo);
    check(
      text,
      (value) => parseChallenges([value]),
      (all) => all.map(writeChallenge).join(", "),
    );
    // A scheme that nobody knows stays one: it is written as such.
    check(text, parseAuthorization, (value) => (value === undefined ? "Other x" : writeAuthorization(value)));
    check(
      text,
      (value) => writeLiveRange(parseRange(value)),
      (value) => value,
    );
    check(text, (value) => parseContentLength(new RtspHeaders([["Content-Length", value]])), String);
    check(
      text,
      (value) => [...parseHeaders(value.split("\n"), true)],
      (all) => all.map((pair) => pair.join(":")).join("\n"),
    );
  },
};

function check<T>(text: string, parse: (text: string) => T, write: (value: T) => string): void {
  // No header with a control character gets this far; the block of headers looks after that itself.
  if (hasControls(text) && parse.length > 0 && !text.includes("\n")) return;
  let value: T;
  try {
    value = parse(text);
  } catch (error) {
    if (error instanceof CodedError) return;
    throw error;
  }
  const written = write(value);
  assert(write(parse(written)) === written, `read again it is another value: ${written}`);
}
