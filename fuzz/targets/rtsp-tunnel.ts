/** Either half of a tunnel over HTTP under random bytes: the same events however they are cut. */

import { assert } from "../../src/bytes/assert.ts";
import { Base64Reader, writeBase64 } from "../../src/protocols/rtsp/base64.ts";
import { bytesOf, playRequests, randomPieces, seededRandom } from "../../src/protocols/rtsp/pair.cases.ts";
import { guessProtocol, RtspTunnelSession } from "../../src/protocols/rtsp/tunnel.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

const post = "POST / HTTP/1.0\r\nx-sessioncookie: a\r\n\r\n";

export const target: FuzzTarget = {
  name: "rtsp-tunnel",
  covers: ["src/protocols/rtsp/tunnel.ts", "src/protocols/rtsp/base64.ts"],
  corpora: ["http_request"],
  seeds: () => [
    bytesOf("GET / HTTP/1.0\r\nx-sessioncookie: a\r\n\r\n"),
    bytesOf(post + playRequests.map((request) => writeBase64(bytesOf(request))).join("\r\n")),
    bytesOf("Zg==Zm8=\r\nZm9v"),
  ],
  run(bytes) {
    guessProtocol(bytes);
    const random = seededRandom(bytes.length);
    for (const input of [bytes, bytesOf(post + new TextDecoder("latin1").decode(bytes))]) {
      const whole = drive([input]);
      assert(whole === drive(randomPieces(input, random)), "what a tunnel says depends on how the bytes were cut");
    }
    const decoded = new Base64Reader().read(bytesOf(writeBase64(bytes)));
    assert(decoded.join() === bytes.join(), "base64 of bytes is not these bytes");
  },
};

/** All that it raised; what was decoded before an end is not compared: it depends on where the end was seen. */
function drive(pieces: Iterable<Uint8Array>): string {
  const tunnel = new RtspTunnelSession(0);
  const events: string[] = [];
  let data = "";
  for (const piece of pieces) {
    tunnel.handle(piece);
    for (let event = tunnel.pollEvent(); event !== undefined; event = tunnel.pollEvent()) {
      if (event.type === "data") data += `${event.data.join()},`;
      else if (event.type === "closed") return `${events.join()} ${event.error.code}`;
      else events.push(`${event.type} ${event.cookie} ${event.url}`);
    }
  }
  tunnel.handleTimeout(1_000_000);
  assert(tunnel.nextTimeout() === undefined, "a silent client is never given up");
  return `${events.join()} ${data}`;
}
