/** The client's session under a server's random bytes: from the first byte, while it sets up, and from the point where it plays. */

import { assert } from "../../src/bytes/assert.ts";
import type { RtspClientOptions } from "../../src/protocols/rtsp/client-events.ts";
import { clientCases } from "../../src/protocols/rtsp/client-session.cases.ts";
import {
  bytesOf,
  ClientBench,
  concat,
  Pair,
  randomPieces,
  seededRandom,
  testPublish,
  wire,
} from "../../src/protocols/rtsp/pair.cases.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtsp-client-session",
  covers: ["src/protocols/rtsp/client-session.ts", "src/protocols/rtsp/keep-alive.ts"],
  corpora: ["rtsp_message"],
  seeds: () => [
    ...clientCases.flatMap(({ steps }) =>
      steps.map(({ answer, body = "" }) => bytesOf(wire(`${answer}\nContent-Length: ${body.length}`) + body)),
    ),
    ...recorded.map(({ bytes }) => bytes),
  ],
  run(bytes) {
    for (const { options, bytes: server } of recorded) {
      for (const before of [server.subarray(0, 0), server.subarray(0, server.length / 2), server]) {
        drive(options, before, bytes);
      }
    }
  },
};

function drive(options: Partial<RtspClientOptions>, before: Uint8Array, bytes: Uint8Array): void {
  const bench = new ClientBench(options);
  bench.handle(before, ...randomPieces(bytes, seededRandom(bytes.length)));
  const output = bench.takeOutput();
  assert(output.length <= 20_000 + 100 * bytes.length, "more requests than there were answers");
  const closedAt = bench.events.findIndex(({ type }) => type === "closed");
  assert(closedAt < 0 || closedAt === bench.events.length - 1, "an event after the end");
  const isFirstMedia = bench.events.findIndex(({ type }) => type === "media");
  const isReady = bench.events.findIndex(({ type }) => type === "ready");
  assert(isFirstMedia < 0 || (isReady >= 0 && isReady < isFirstMedia), "a packet before the play");
  bench.session.fallBackToTcp(bench.now);
  bench.advance(1_000_000);
  assert(bench.errorCode !== undefined || closedAt >= 0, "a silent server is never given up");
  assert(bench.session.nextTimeout() === undefined, "a deadline after the end");
}

/** What our server says to our client. */
const recorded = ([{}, { transport: "auto" }, { publish: testPublish }] as const).map((options) => {
  const pair = new Pair(options);
  pair.exchange();
  return { options, bytes: concat(pair.serverBytes) };
});
