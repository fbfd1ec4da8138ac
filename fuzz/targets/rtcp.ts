/** RTCP under random bytes: what was parsed and written parses to the same. */

import { isDeepStrictEqual } from "node:util";
import { assert } from "../../src/bytes/assert.ts";
import { rtcpCases } from "../../src/protocols/rtcp/compound.cases.ts";
import { parseRtcp, type RtcpMessage, writeRtcp } from "../../src/protocols/rtcp/compound.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtcp",
  covers: [
    "src/protocols/rtcp/compound.ts",
    "src/protocols/rtcp/message/app.ts",
    "src/protocols/rtcp/message/bye.ts",
    "src/protocols/rtcp/message/full-intra-request.ts",
    "src/protocols/rtcp/message/max-bitrate.ts",
    "src/protocols/rtcp/message/nack.ts",
    "src/protocols/rtcp/message/picture-loss.ts",
    "src/protocols/rtcp/message/receiver-report.ts",
    "src/protocols/rtcp/message/report-block.ts",
    "src/protocols/rtcp/message/sender-report.ts",
    "src/protocols/rtcp/message/source-description.ts",
    "src/protocols/rtcp/message/transport-feedback.ts",
  ],
  corpora: ["rtcp"],
  seeds: () => rtcpCases.map(({ bytes }) => bytes),
  run(bytes) {
    const messages = parseRtcp(bytes).filter(hasOneForm).map(canonical);
    if (messages.length === 0) return;
    const again = parseRtcp(writeRtcp(messages)).map(canonical);
    assert(isDeepStrictEqual(again, messages), "the messages changed");
  },
};

/** False for texts that are not UTF-8, whose replacement characters may be longer than the field that they came from. */
function hasOneForm(message: RtcpMessage): boolean {
  const texts =
    message.kind === "bye"
      ? [message.reason]
      : message.kind === "sourceDescription"
        ? message.chunks.map(({ cname }) => cname)
        : [];
  return !texts.some((text) => text !== undefined && /[\ufeff\ufffd]/.test(text));
}

/** Data of its own, and the packets that a NACK asks for each once and in ascending order. */
function canonical(message: RtcpMessage): RtcpMessage {
  if (message.kind === "app") return { ...message, data: message.data.slice() };
  if (message.kind === "nack") return { ...message, lost: [...new Set(message.lost)].sort((a, b) => a - b) };
  return message;
}
