/** Bad HTTP from the network: slow, oversized, smuggled, pipelined, from the wrong place or page; and WebSockets that misbehave. */

import { execFileSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ConfiguredAccess } from "../../src/server/access.ts";
import { Canary } from "../support/raw-canary.ts";
import { RawHttp, requestText, webSocketHeaders } from "../support/raw-http.ts";
import { openNetwork } from "../support/raw-network.ts";
import { RawRtmp } from "../support/raw-rtmp.ts";
import { expectCounted, expectQuietLog, growthDuring } from "../support/raw-server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const resources = new AsyncDisposableStack();
/** Undefined where this process may not make one. */
const network = openNetwork();
let server: TestServer;
let canary: Canary;

beforeAll(async () => {
  server = resources.use(await startServer({ set: ["http.allow_origin=http://good.example"] }));
  canary = resources.use(await Canary.start(server));
});
afterEach(() => canary.expectNothingLost());
afterAll(async () => {
  try {
    expectQuietLog(server);
  } finally {
    network?.[Symbol.dispose]();
    await resources.disposeAsync();
  }
});

describe.concurrent("deadlines", () => {
  test.for<readonly [string, string, () => string]>([
    ["nothing at all", "", () => ""],
    ["a head that comes byte by byte", "GET /health HTTP/1.1\r\nx: ", () => "x"],
    ["a head of many short lines", "GET /health HTTP/1.1\r\n", () => "x: y\r\n"],
  ])("5 s for the head: %s", async ([, start, next]) => {
    await expectCounted(server, "ERR_HTTP_TIMEOUT", 1, async () => {
      using client = new RawHttp(server.httpPort, start);
      const timer = setInterval(() => client.write(next()), 200);
      const lifetimeMs = await client.closed;
      clearInterval(timer);
      expect(await client.status()).toBe(408);
      expect(lifetimeMs).toBeLessThan(7_000);
    });
  });

  test.for([
    ["to a page", "/health"],
    ["of a player, who has none to send", "/canary/bird.flv"],
  ] as const)("10 s for a body %s", async ([, target]) => {
    using client = new RawHttp(server.httpPort, requestText("GET", target, { "content-length": "100000" }));
    const timer = setInterval(() => client.write("x"), 100);
    const lifetimeMs = await client.closed;
    clearInterval(timer);
    expect(lifetimeMs).toBeLessThan(12_500);
  });

  test("10 s for the next request", async () => {
    using client = new RawHttp(server.httpPort, requestText("GET", "/health"));
    const lifetimeMs = await client.closed;
    expect(lifetimeMs).toBeGreaterThan(9_000);
    expect(lifetimeMs).toBeLessThan(13_000);
  });

  test("10 s for taking something of an answer", async () => {
    const count = 40_000;
    using client = new RawHttp(server.httpPort);
    client.stopReading();
    client.write(requestText("GET", "/health").repeat(count));
    await new Promise((resolve) => setTimeout(resolve, 13_000));
    client.goOnReading();
    await client.closed;
    expect(client.received.split("HTTP/1.1 200").length - 1).toBeLessThan(count);
  });
});

describe("requests", () => {
  const good = "Host: 127.0.0.1\r\n";
  test.each([
    ["no Host", "GET /health HTTP/1.1\r\n\r\n", undefined, 400],
    ["17 KiB of headers", `GET /health HTTP/1.1\r\n${good}x: ${"x".repeat(17_000)}\r\n\r\n`, "_HEADER_TOO_LARGE", 431],
    ["17 KiB of target", `GET /${"x".repeat(17_000)} HTTP/1.1\r\n${good}\r\n`, "_HEADER_TOO_LARGE", 431],
    ["a method that nobody knows", `BREW / HTTP/1.1\r\n${good}\r\n`, "_REQUEST", 400],
    ["a method that this server does not know", `DELETE /live/cam HTTP/1.1\r\n${good}\r\n`, "_NOT_FOUND", 404],
    ["HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "_REQUEST", 400],
    ["no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "_REQUEST", 400],
    ["a body of 1 GiB", `POST / HTTP/1.1\r\n${good}Content-Length: 1073741824\r\n\r\n`, undefined, 404],
    ["a target that is no UTF-8", `GET /live/%ff.flv HTTP/1.1\r\n${good}\r\n`, "_REQUEST", 400],
  ])("%s", async (_name, text, code, status) => {
    const send = async (): Promise<void> => {
      using client = new RawHttp(server.httpPort, text);
      expect(await client.status()).toBe(status);
    };
    await (code === undefined ? send() : expectCounted(server, `ERR_HTTP${code}`, 1, send));
  });

  test.each([
    ["both lengths", "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"],
    ["two lengths", "Content-Length: 6\r\nContent-Length: 5\r\n\r\n12345G"],
    ["a list of lengths", "Content-Length: 6, 6\r\n\r\n123456"],
    ["a signed length", "Content-Length: +6\r\n\r\n123456"],
    ["a length in hexadecimal", "Content-Length: 0x6\r\n\r\n123456"],
    ["an encoding that is not chunked in the end", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"],
    ["an encoding with a blank before the colon", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"],
    ["an encoding spelled with a control character", "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"],
    ["a folded header", "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"],
    ["a line that ends with CR only", "X: y\rContent-Length: 6\r\n\r\n123456"],
    ["NUL in a header", "X: \0\r\n\r\n"],
    ["a chunk length that is none", "Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n"],
  ])("smuggling with %s is not answered with two answers", async (_name, rest) => {
    using client = new RawHttp(server.httpPort, `POST /health HTTP/1.1\r\nHost: a\r\n${rest}`);
    client.write(requestText("GET", "/livez").slice(1));
    await waitFor("an answer", () => client.isClosed || client.received.includes("\r\n\r\n"));
    expect(client.received).not.toContain("200 OK");
  });

  test.each([
    ["in one packet with it", requestText("GET", "/canary/bird.flv") + requestText("GET", "/health"), ""],
    ["after it", requestText("GET", "/canary/bird.flv"), requestText("GET", "/health")],
    ["for the same again", requestText("GET", "/canary/bird.flv").repeat(200), ""],
  ])("a player's second request %s ends the connection", async (_name, first, second) => {
    const growthBytes = await growthDuring(server, async () => {
      using client = new RawHttp(server.httpPort, first);
      if (second !== "") await client.status();
      client.write(second);
      await client.closed;
    });
    expect(growthBytes).toBeLessThan(32 * 1024 * 1024);
    await waitFor("its end", async () => (await server.stats()).subscribers === 1);
  });

  test("a player's request behind another one is answered behind it", async () => {
    const text = requestText("GET", "/health") + requestText("GET", "/canary/bird.flv");
    using client = new RawHttp(server.httpPort, text);
    await waitFor("the stream", () => client.received.includes("\r\n\r\nFLV"));
    expect(client.received).toMatch(/^HTTP\/1\.1 200 OK\r\n.*"status":"ok"[^}]*}HTTP\/1\.1 200 OK\r\n/s);
  });

  test("HTTP/1.0 plays", async () => {
    using client = new RawHttp(server.httpPort, "GET /canary/bird.flv HTTP/1.0\r\n\r\n");
    await waitFor("the stream", () => client.received.includes("\r\n\r\nFLV"));
    expect(client.received).toMatch(/^HTTP\/1\.0 200 OK\r\n/);
    expect(client.received).toContain("\r\nConnection: close\r\n");
    expect(client.received).not.toContain("Transfer-Encoding");
  });

  test.each(["?a=%0d%0aSet-Cookie:%20b=c", "?%0d%0a%0d%0a<script>", "?audio=1%00", "?a=\u0080\u0099"])(
    "nothing of the query %j comes back",
    async (query) => {
      for (const target of ["/canary/bird.flv", "/live/none.flv", "/live/none", "/stats"]) {
        using client = new RawHttp(server.httpPort, requestText("HEAD", `${target}${query}`));
        await client.status();
        expect(client.received.toLowerCase()).not.toMatch(/set-cookie|script|%0d/);
      }
    },
  );

  test("a foreign origin is not repeated", async () => {
    for (const origin of [
      "http://evil.example",
      "null",
      "http://good.example.evil.example",
      "http://good.example:81",
    ]) {
      using client = new RawHttp(server.httpPort, requestText("GET", "/canary/bird.flv", { origin }));
      await client.status();
      expect(client.received.toLowerCase(), origin).not.toContain("access-control-allow-origin");
    }
    using client = new RawHttp(server.httpPort, requestText("GET", "/health", { origin: "http://good.example" }));
    await client.status();
    expect(client.received).toContain("access-control-allow-origin: http://good.example\r\n");
  });

  test("control characters of a request stay out of the log's lines", async () => {
    const target = '/live/x%0a{"level":"fatal"}"\x80\x9b31m';
    using client = new RawHttp(server.httpPort, requestText("GET", target, { "user-agent": '{"level":"fatal"}' }));
    expect(await client.status()).toBe(400);
    await server.stats();
    expect(server.logLines.filter(({ level }) => level === "fatal")).toEqual([]); // every line was parsed as it came
  });
});

describe("management", () => {
  test.each([
    ["a page of another site", { origin: "http://evil.example" }],
    ["a page without an origin", { origin: "null" }],
    ["a name that leads here, as in DNS rebinding", { host: "evil.example:8000" }],
    ["the same with its own origin", { host: "evil.example", origin: "http://evil.example" }],
    ["a name that looks like an address", { host: "127.0.0.1.evil.example" }],
    ["an empty name", { host: "" }],
  ])("refuses %s", async (_name, headers) => {
    await expectCounted(server, "ERR_HTTP_ORIGIN", 1, async () => {
      using client = new RawHttp(server.httpPort, requestText("GET", "/stats", headers));
      expect(await client.status()).toBe(403);
      expect(client.received).not.toContain("canary");
    });
  });

  test.each([
    ["the server's own page", { origin: "http://localhost:8000", host: "localhost:8000" }],
    ["a site that is named", { origin: "http://good.example" }],
    ["an IPv6 address", { host: "[::1]:8000" }],
  ])("answers %s", async (_name, headers) => {
    using client = new RawHttp(server.httpPort, requestText("GET", "/stats", headers));
    expect(await client.status()).toBe(200);
  });

  if (network === undefined) {
    test("refuses other machines (no second network here: asked of the rule alone)", () => {
      const access = new ConfiguredAccess({
        ...{ publish: "loopback", publishToken: "", play: "anyone", playToken: "", management: "loopback" },
      });
      expect(access.mayManage("192.0.2.1")).toBe(false);
    });
  } else {
    test("refuses other machines, which play all the same and may not publish (from a second network)", async () => {
      const fetched = (path: string): string => {
        const url = `http://${network.address}:${server.httpPort}${path}`;
        const curl = ["curl", "-s", "-m", "2", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", url];
        try {
          return execFileSync("ip", ["netns", "exec", network.name, ...curl]).toString();
        } catch (error) {
          return String((error as { stdout: Buffer }).stdout); // it goes on until it is stopped
        }
      };
      expect(fetched("/stats")).toMatch(/^403 /);
      expect(fetched("/health")).toMatch(/^200 /);
      expect(fetched("/canary/bird.flv")).toMatch(/^200 \d{4,}$/);
    });
  }
});

describe("WebSockets", () => {
  const open = async (name: string, headers: Readonly<Record<string, string>> = {}): Promise<RawHttp> => {
    const client = new RawHttp(
      server.httpPort,
      requestText("GET", `/${name}.flv`, { ...webSocketHeaders, ...headers }),
    );
    await client.status();
    return client;
  };

  test.each([
    ["without a mask", Uint8Array.of(0x82, 1, 0x61)],
    ["of 4 KiB and more", Uint8Array.of(0x82, 0xfe, 0x10, 0x01, 0, 0, 0, 0)],
    ["that declares 2^63 bytes", Uint8Array.of(0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)],
    ["with a reserved opcode", Uint8Array.of(0x83, 0x80, 0, 0, 0, 0)],
    ["with reserved bits", Uint8Array.of(0xf2, 0x80, 0, 0, 0, 0)],
    ["that goes on with nothing", Uint8Array.of(0x80, 0x80, 0, 0, 0, 0)],
    ["of text that is no UTF-8", Uint8Array.of(0x81, 0x81, 0, 0, 0, 0, 0xff)],
    ["that says goodbye", Uint8Array.of(0x88, 0x80, 0, 0, 0, 0)],
  ])("a frame %s ends the connection", async (_name, frame) => {
    using client = await open("canary/bird");
    expect(await client.status()).toBe(101);
    client.write(frame);
    await client.closed;
    await waitFor("its end", async () => (await server.stats()).subscribers === 1);
  });

  test("a ping is answered; a flood of them that is never read does not pile up", async () => {
    using publisher = await RawRtmp.publishing(server.rtmpPort, "live/silent");
    using client = await open("live/silent");
    const ping = new Uint8Array(131).fill(0x61);
    ping.set([0x89, 0x80 | 125, 0, 0, 0, 0]);
    client.write(ping);
    await waitFor("a pong", () => client.received.includes(`\x8a\x7d${"a".repeat(125)}`));
    client.stopReading();
    const many = new Uint8Array(ping.length * 1_000);
    for (let i = 0; i < 1_000; i++) many.set(ping, i * ping.length);
    const growthBytes = await growthDuring(server, async () => {
      const end = performance.now() + 3_000;
      let sentBytes = 0;
      while (performance.now() < end && sentBytes < 200_000_000) {
        if (client.queuedBytes < 1_000_000) {
          client.write(many);
          sentBytes += many.length;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    expect(growthBytes).toBeLessThan(64 * 1024 * 1024);
    expect(publisher.isClosed).toBe(false);
  });

  test.each([
    ["no stream", "live/none", {}, 404],
    ["no key", "canary/bird", { "sec-websocket-key": "" }, 400],
    ["a key that is none", "canary/bird", { "sec-websocket-key": "x" }, 400],
    ["another version", "canary/bird", { "sec-websocket-version": "12" }, 400],
    ["another protocol", "canary/bird", { upgrade: "h2c" }, 400],
    ["a foreign page", "canary/bird", { origin: "http://evil.example" }, 403],
    ["a page of nowhere", "canary/bird", { origin: "null" }, 403],
    ["a page that names this host, of another port", "canary/bird", { origin: "http://127.0.0.1:1" }, 403],
    ["the server's own page", "canary/bird", { origin: "http://127.0.0.1" }, 101],
    ["a page of a named site", "canary/bird", { origin: "http://good.example" }, 101],
    ["no page", "canary/bird", {}, 101],
  ])("asked by %s", async (_name, stream, headers, status) => {
    using client = await open(stream, headers);
    expect(await client.status()).toBe(status);
    if (status !== 101) await client.closed; // although this side stays open
    client[Symbol.dispose]();
    await waitFor("its end", async () => (await server.stats()).subscribers === 1);
  });
});
