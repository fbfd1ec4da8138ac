/** Bad RTSP from the network: each kind gets its answer or error, is counted, and is felt by nobody else. */

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { corpusSeeds } from "../support/material.ts";
import { Canary } from "../support/raw-canary.ts";
import { announced, RawRtsp, rawSdp as sdp } from "../support/raw-rtsp.ts";
import { expectCounted, expectQuietLog, growthDuring } from "../support/raw-server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const resources = new AsyncDisposableStack();
let server: TestServer;
let canary: Canary;

beforeAll(async () => {
  server = resources.use(await startServer({ set: ["rtsp.session_timeout=5s"] }));
  canary = resources.use(await Canary.start(server));
});
afterEach(() => canary.expectNothingLost());
afterAll(async () => {
  try {
    expectQuietLog(server);
  } finally {
    await resources.disposeAsync();
  }
});

test.each([
  ["a negative Content-Length", "Content-Length: -1", "ERR_RTSP_CONTENT_LENGTH"],
  ["a Content-Length of 1 GiB", "Content-Length: 1073741824", "ERR_RTSP_BODY_TOO_LONG"],
  ["128 KiB of headers", `X-Long: ${"a".repeat(131_072)}`, "ERR_RTSP_TOO_LONG"],
  ["a version that there is not", "", "ERR_RTSP_VERSION"],
])("%s ends the session with its code, and takes no memory", async (_, header, code) => {
  await expectCounted(server, code, 1, async () => {
    const growth = await growthDuring(server, async () => {
      using peer = new RawRtsp(server.rtspPort);
      const version = header === "" ? "RTSP/9.9" : "RTSP/1.0";
      peer.write(`OPTIONS rtsp://127.0.0.1/live/cam ${version}\r\nCSeq: 1\r\n${header}\r\n\r\n`);
      await peer.closed;
      expect(peer.received).toMatch(/^RTSP\/1\.0 (4|5)\d\d /);
    });
    expect(growth).toBeLessThan(64 * 2 ** 20);
  });
});

test("another connection's session is 454, and its owner does not notice", async () => {
  using owner = new RawRtsp(server.rtspPort);
  const session = await announced(owner, "live/owner");
  using thief = new RawRtsp(server.rtspPort);
  for (const [at, method] of ["RECORD", "TEARDOWN", "GET_PARAMETER", "SETUP"].entries()) {
    const request = `${method} rtsp://127.0.0.1/live/owner RTSP/1.0\r\nSession: ${session}`;
    expect(await thief.ask(request, 10 + at)).toContain(" 454 ");
  }
  expect(await owner.ask(`RECORD rtsp://127.0.0.1/live/owner RTSP/1.0\r\nSession: ${session}`, 3)).toContain(" 200 ");
});

test.each(["TEARDOWN", "PAUSE"])(
  "a whole session in one piece, with %s right behind PLAY, sends nothing",
  async (last) => {
    using peer = new RawRtsp(server.rtspPort);
    const url = "rtsp://127.0.0.1/canary/bird";
    const before = (await server.stats()).subscribers;
    const requests = [
      `DESCRIBE ${url}`,
      `SETUP ${url}/trackID=0 RTSP/1.0\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1`,
      `PLAY ${url}`,
      `${last} ${url}`,
    ];
    peer.write(
      requests
        .map((head, at) => `${head.includes("RTSP/1.0") ? head : `${head} RTSP/1.0`}\r\nCSeq: ${at + 1}\r\n\r\n`)
        .join(""),
    );
    await peer.ask("OPTIONS * RTSP/1.0", 5);
    expect(peer.received.match(/RTSP\/1\.0 200 OK/g)).toHaveLength(5);
    expect(peer.received).not.toContain("$");
    await waitFor("the player to be gone or paused", async () => {
      const { subscribers } = await server.stats();
      return subscribers === before + (last === "PAUSE" ? 1 : 0);
    });
  },
);

test("a second publisher of a stream is 403, and the first goes on", async () => {
  using first = new RawRtsp(server.rtspPort);
  await announced(first, "live/taken");
  using second = new RawRtsp(server.rtspPort);
  await expectCounted(server, "ERR_STREAM_BUSY", 1, async () => {
    const head = "ANNOUNCE rtsp://127.0.0.1/live/taken RTSP/1.0\r\nContent-Type: application/sdp";
    expect(await second.ask(head, 1, sdp)).toContain(" 403 ");
  });
});

test("interleaved frames on channels that were never set up, and packets that are none, cost nobody anything", async () => {
  using peer = new RawRtsp(server.rtspPort);
  const session = await announced(peer, "live/noise");
  await peer.ask(`RECORD rtsp://127.0.0.1/live/noise RTSP/1.0\r\nSession: ${session}`, 3);
  await expectCounted(server, "ERR_RTP_HEADER", 100, async () => {
    for (let i = 0; i < 100; i++) {
      peer.write(Uint8Array.of(0x24, 200, 0, 4, 1, 2, 3, 4));
      peer.write(Uint8Array.of(0x24, 0, 0, 4, 1, 2, 3, 4));
    }
  });
  expect(await peer.ask("OPTIONS * RTSP/1.0", 4)).toContain(" 200 OK");
});

test("a stream that nobody publishes is 404, and a name outside the grammar 400", async () => {
  using peer = new RawRtsp(server.rtspPort);
  expect(await peer.ask("DESCRIBE rtsp://127.0.0.1/live/nobody RTSP/1.0", 1)).toContain(" 404 ");
  expect(await peer.ask("DESCRIBE rtsp://127.0.0.1/live/%2e%2e/cam RTSP/1.0", 2)).toContain(" 400 ");
});

test("TLS on the plain port is said to be that, and a web browser is not served", async () => {
  await expectCounted(server, "ERR_RTSP_TLS_ON_PLAIN_PORT", 1, async () => {
    using peer = new RawRtsp(server.rtspPort);
    peer.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1));
    await peer.closed;
  });
  await expectCounted(server, "ERR_RTSP_TUNNEL", 1, async () => {
    using peer = new RawRtsp(server.rtspPort);
    peer.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await peer.closed;
    expect(peer.received).toContain(" 400 Bad Request");
  });
});

test("200 connections that say nothing are closed", async () => {
  using peers = new DisposableStack();
  const silent = Array.from({ length: 200 }, () => peers.use(new RawRtsp(server.rtspPort)));
  for (const peer of silent.slice(100)) peer.write("OPT");
  await Promise.all(silent.map(({ closed }) => closed));
});

test("every seed of the corpora, in pieces, through the real socket", async () => {
  const seeds = ["rtsp_session", "rtsp_message", "rtsp_headers"].flatMap((folder) =>
    Array.from(corpusSeeds(folder), ({ bytes }): Uint8Array[] => [bytes]),
  );
  let number = 0;
  for (const { bytes } of corpusSeeds("sdp")) {
    const address = `rtsp://127.0.0.1/corpora/${number++}`;
    const head = `ANNOUNCE ${address} RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: ${bytes.length}`;
    seeds.push([Buffer.from(`${head}\r\n\r\n`), bytes]);
  }
  while (seeds.length > 0) {
    const peers = seeds.splice(0, 50).map((pieces) => {
      const peer = new RawRtsp(server.rtspPort);
      for (const piece of pieces) {
        const cut = piece.length >> 1;
        peer.write(piece.subarray(0, cut));
        peer.write(piece.subarray(cut));
      }
      peer.end();
      return peer;
    });
    await Promise.all(peers.map(({ closed }) => closed));
  }
  using last = new RawRtsp(server.rtspPort);
  expect(await last.ask("OPTIONS * RTSP/1.0", 1)).toContain(" 200 OK");
});
