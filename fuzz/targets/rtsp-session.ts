/**
 * The server's session under a client's random bytes: from the first byte, and from the point where it plays or records.
 * Whatever comes, the session ends by itself or goes on, says nothing after its end, and does not depend on how bytes are cut.
 */

import { assert } from "../../src/bytes/assert.ts";
import { ERR_RTSP_PIPELINE } from "../../src/protocols/rtsp/errors.ts";
import { writeInterleaved } from "../../src/protocols/rtsp/interleaved.ts";
import {
  bytesOf,
  playRequests,
  randomPieces,
  recordRequests,
  ServerBench,
  seededRandom,
} from "../../src/protocols/rtsp/pair.cases.ts";
import { serverDialogues } from "../../src/protocols/rtsp/session.cases.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtsp-session",
  covers: ["src/protocols/rtsp/session.ts"],
  corpora: ["rtsp_session", "rtsp_message"],
  seeds: () => [
    bytesOf(playRequests.join("")),
    bytesOf(recordRequests.join("")),
    writeInterleaved(0, new Uint8Array(12)),
    ...serverDialogues.flatMap(({ steps }) =>
      steps.map(({ request, body = "" }) => bytesOf(`${request.replace(/\n\s*/g, "\r\n")}\r\n\r\n${body}`)),
    ),
  ],
  run(bytes) {
    for (const before of [[], playRequests, recordRequests]) {
      const whole = drive(before, [bytes]);
      const cut = drive(before, randomPieces(bytes, seededRandom(bytes.length)));
      if (whole === "" || cut === "") continue;
      assert(whole === cut, "what the session does depends on how the bytes were cut");
    }
  },
};

/** Everything that the session said and raised. */
function drive(before: readonly string[], pieces: Iterable<Uint8Array>): string {
  const bench = new ServerBench();
  bench.handle(...before);
  let inputBytes = 0;
  for (const piece of pieces) {
    inputBytes += piece.length;
    bench.handle(piece);
  }
  const output = bench.takeText();
  const closedAt = bench.events.findIndex(({ type }) => type === "closed");
  assert(closedAt < 0 || closedAt === bench.events.length - 1, "an event after the end");
  assert(closedAt < 0 || bench.session.nextTimeout() === undefined, "a deadline after the end");
  // A request of 30 bytes can ask for a description, and repeat an address.
  assert(output.length <= 10_000 + 64 * inputBytes, "an answer out of proportion");
  // Decisions are taken behind each piece: what comes along with their request waits, and packets are not waited for.
  if (bench.errorCode === ERR_RTSP_PIPELINE) return "";
  const others = bench.events.filter(({ type }) => type !== "media");
  const events = others.map((event) => (event.type === "closed" ? `closed ${event.error?.code}` : event.type));
  if (before !== playRequests) bench.advance(200_000);
  bench.session.close();
  assert(bench.session.nextTimeout() === undefined, "a deadline after the end");
  return `${output}\n${events.join()}`;
}
