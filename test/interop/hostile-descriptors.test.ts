/** A server that has no descriptor left for a new connection (THREATS F-29): those it has go on, and it accepts again afterwards. */

import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { Canary } from "../support/raw-canary.ts";
import { RawRtmp } from "../support/raw-rtmp.ts";
import { cpuMs, expectQuietLog } from "../support/raw-server.ts";
import { startServer, type TestServer } from "../support/server.ts";

test.each([
  ["RTMP", (server: TestServer) => server.rtmpPort],
  ["HTTP", (server: TestServer) => server.httpPort],
])("1,000 connections to %s with 256 descriptors", async (_name, portOf) => {
  await using server = await startServer({ launcher: ["prlimit", "--nofile=256:256"] });
  await using canary = await Canary.start(server);
  const flood = Array.from({ length: 1_000 }, () => openSocket(portOf(server)));
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await canary.expectNothingLost();
  // Those that were not accepted wait in the listener's queue, or were closed at once; and waiting is not spinning.
  expect(readdirSync(`/proc/${server.pid}/fd`).length, "descriptors in use").toBeLessThanOrEqual(256);
  const before = cpuMs(server);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(cpuMs(server) - before, "CPU in a second of waiting, ms").toBeLessThan(500);

  const endedAtMs = performance.now();
  for (const socket of flood) socket.destroy();
  for (;;) {
    const peer = await RawRtmp.publishing(server.rtmpPort, "live/after").catch(() => undefined);
    peer?.destroy();
    if (peer !== undefined) break;
    expect(performance.now() - endedAtMs, "accepts again, ms").toBeLessThan(3_000);
  }
  expect((await server.stats()).active_streams).toContain("canary/bird");
  await canary.expectNothingLost();
  expectQuietLog(server);
});

function openSocket(port: number): Socket {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => {}); // closed at once is one way of being refused
  return socket;
}
