import { describe, expect, it } from "vitest";
import { writeBase64 } from "./base64.ts";
import { bytesOf, playRequests, randomPieces, seededRandom } from "./pair.cases.ts";
import { guessProtocol, type RtspTunnelEvent, RtspTunnelSession } from "./tunnel.ts";

const get = "GET /live/cam HTTP/1.0\r\nx-sessioncookie: Bx0Y\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n";
const post =
  "POST /live/cam HTTP/1.0\r\nX-SessionCookie: Bx0Y\r\nContent-Type: application/x-rtsp-tunnelled\r\nContent-Length: 32767\r\n\r\n";

function eventsOf(tunnel: RtspTunnelSession): RtspTunnelEvent[] {
  const events: RtspTunnelEvent[] = [];
  for (let event = tunnel.pollEvent(); event !== undefined; event = tunnel.pollEvent()) events.push(event);
  return events;
}

function feed(pieces: Iterable<Uint8Array>): { tunnel: RtspTunnelSession; events: RtspTunnelEvent[] } {
  const tunnel = new RtspTunnelSession(0);
  const events: RtspTunnelEvent[] = [];
  for (const piece of pieces) {
    tunnel.handle(piece);
    events.push(...eventsOf(tunnel));
  }
  return { tunnel, events };
}

it.each([
  ["", undefined],
  ["G", undefined],
  ["GET", undefined],
  ["GET ", "http"],
  ["GET_", "rtsp"],
  ["GET / HTTP/1.0", "http"],
  ["P", undefined],
  ["POST ", "http"],
  ["PL", "rtsp"],
  ["O", "rtsp"],
  ["$", "rtsp"],
  ["\u0016\u0003", "tls"],
])("%j begins what is %s", (text, expected) => {
  expect(guessProtocol(bytesOf(text))).toBe(expected);
});

describe("the GET", () => {
  it("is answered, and what comes behind it means nothing", () => {
    const { tunnel, events } = feed([bytesOf(`${get}more`)]);
    expect(events).toEqual([{ type: "get", cookie: "Bx0Y", url: "/live/cam" }]);
    tunnel.accept();
    expect(new TextDecoder().decode(tunnel.pollOutput())).toBe(
      "HTTP/1.0 200 OK\r\nServer: Millrace\r\nConnection: close\r\nCache-Control: no-store\r\nPragma: no-cache\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n",
    );
    expect(tunnel.nextTimeout()).toBeUndefined();
  });
});

describe("the POST", () => {
  it("carries requests, each encoded by itself, in any pieces", () => {
    const expected = playRequests.join("");
    const input = bytesOf(post + playRequests.map((request) => writeBase64(bytesOf(request))).join(""));
    for (let seed = 0; seed < 20; seed++) {
      const { tunnel, events } = feed(seed === 0 ? [input] : randomPieces(input, seededRandom(seed)));
      const text = events.map((event) => (event.type === "data" ? new TextDecoder().decode(event.data) : "")).join("");
      expect([events[0]?.type, text]).toEqual(["post", expected]);
      expect(tunnel.pollOutput()).toBeUndefined();
    }
  });

  it("without its GET is told so", () => {
    const { tunnel } = feed([bytesOf(post)]);
    tunnel.reject();
    expect(new TextDecoder().decode(tunnel.pollOutput())).toMatch(/^HTTP\/1\.0 404 /);
    expect(eventsOf(tunnel)).toMatchObject([{ type: "closed", error: { code: "ERR_RTSP_TUNNEL" } }]);
    tunnel.handle(bytesOf("AAAA"));
    expect(eventsOf(tunnel)).toEqual([]);
  });

  it("that is no base64 ends", () => {
    const { events } = feed([bytesOf(`${post}!!!!`)]);
    expect(events.at(-1)).toMatchObject({ type: "closed", error: { code: "ERR_RTSP_TUNNEL" } });
  });
});

describe("what is no tunnel", () => {
  it.each([
    ["without a cookie", "GET / HTTP/1.1\r\nHost: h\r\n\r\n"],
    ["with two", "GET / HTTP/1.1\r\nx-sessioncookie: a\r\nx-sessioncookie: b\r\n\r\n"],
    ["with a long one", `GET / HTTP/1.1\r\nx-sessioncookie: ${"a".repeat(129)}\r\n\r\n`],
    ["by another method", "PUT / HTTP/1.1\r\nx-sessioncookie: a\r\n\r\n"],
    ["folded", "GET / HTTP/1.1\r\nx-sessioncookie: a\r\n b\r\n\r\n"],
    ["without an end", `GET / HTTP/1.1\r\n${"x: y\r\n".repeat(2_000)}`],
  ])("%s gets 400", (_, text) => {
    const { tunnel, events } = feed([bytesOf(text)]);
    expect(events.at(-1)?.type).toBe("closed");
    expect(new TextDecoder().decode(tunnel.pollOutput())).toMatch(/^HTTP\/1\.0 400 /);
  });

  it("and what is not complete in 10 s ends", () => {
    const { tunnel } = feed([bytesOf("GET /")]);
    expect(tunnel.nextTimeout()).toBe(10_000);
    tunnel.handleTimeout(9_999);
    expect(eventsOf(tunnel)).toEqual([]);
    tunnel.handleTimeout(10_000);
    expect(eventsOf(tunnel)).toMatchObject([{ type: "closed", error: { code: "ERR_RTSP_TIMEOUT" } }]);
  });
});
