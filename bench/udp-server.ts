/**
 * What the UDP benchmark measures: the native transport with a log of packets and players of it, and nothing of a protocol.
 * `node bench/udp-server.ts <first port> <players> <bytes per second> <interval ms> <seconds> [transport]`
 *
 * Each interval it appends a frame in packets of 1,200 bytes, the last one shorter, and each player gets it at its port of loopback.
 */

import { assert } from "../src/bytes/assert.ts";
import { defaultLagLimits } from "../src/kernel/cursor-table.ts";
import { EgressLog } from "../src/kernel/egress-log.ts";
import { entryFlags } from "../src/kernel/log-layout.ts";
import { everyFrame } from "../src/runtime/flush-pacer.ts";
import { openTransport } from "../src/runtime/open-transport.ts";

const packetBytes = 1_200;
const keyInterval = 50;
const [firstPort = 0, players = 0, bytesPerSecond = 0, intervalMs = 0, seconds = 0] = process.argv
  .slice(2, 7)
  .map(Number);
const choice = process.argv[7] === "portable" ? "portable" : "native";
const fail = (error: unknown): never => {
  throw error;
};
const transport = openTransport({ choice, pacing: everyFrame, onFailure: fail, onFallback: fail });
const socket = await transport.openDatagrams({ host: "127.0.0.1", port: 0 }, { handleStranger: () => {} });
const log = new EgressLog({ maxBytes: 2 ** 22 });
const handler = { handlePlayed: () => {}, handleLag: () => {}, handleEvicted: () => {} };
for (let i = 0; i < players; i++) {
  const peer = socket.openPeer("127.0.0.1", firstPort + i, { handleDatagram: () => {} });
  assert(peer !== undefined, "the ports are different ones");
  transport.playDatagrams(log, [{ channel: 0, peer }], { isLive: true, lagLimits: defaultLagLimits }, handler);
}

const frame = writeFrame((bytesPerSecond * intervalMs) / 1_000);
let frameCount = 0;
const startMs = performance.now();
function publish(): void {
  // So that it is late once and not always a little later.
  const dueMs = startMs + ++frameCount * intervalMs;
  const isKey = frameCount % keyInterval === 1;
  log.claim(frame.length, (isKey ? entryFlags.key : 0) | entryFlags.endOfFrame, dueMs);
  log.write(frame);
  log.commit();
  log.ringDoorbells();
  if (dueMs - startMs > seconds * 1_000) finish();
  else setTimeout(publish, Math.max(0, dueMs + intervalMs - performance.now()));
}

function finish(): void {
  const { jumpCount, evictedCount } = transport.counters;
  process.stderr.write(`${JSON.stringify({ ...socket.counters, jumpCount, evictedCount })}\n`);
  void transport.close();
}

function writeFrame(length: number): Uint8Array {
  const records: number[] = [];
  for (let left = Math.floor(length); left > 0; ) {
    const packetLength = Math.min(left, packetBytes);
    records.push(0x24, 0, packetLength >> 8, packetLength & 0xff);
    for (let i = 0; i < packetLength; i++) records.push((i * 31) & 0xff);
    left -= packetLength;
  }
  return Uint8Array.from(records);
}

process.stderr.write("ready\n");
setTimeout(publish, intervalMs);
