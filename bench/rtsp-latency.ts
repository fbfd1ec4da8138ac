/**
 * Latency of RTSP on loopback, idle: one publisher, one player, both over TCP, both ends in this process on one clock.
 *
 * A packet each 5 ms, four to a picture: what reaches the player before the picture is whole goes on without waiting for it. The
 * reference is a bare node:net relay that carries the same bytes. Then players who come one after the other: from their PLAY to
 * their first packet.
 *
 * `node bench/rtsp-latency.ts [--joins 200] [--json]`
 */

import { parseArgs } from "node:util";
import { RtpPacket, rtpHeaderLength } from "../src/protocols/rtp/packet.ts";
import { writeRtpPacket } from "../src/protocols/rtp/packet-writer.ts";
import { interleavedHeaderLength } from "../src/protocols/rtsp/interleaved.ts";
import { startServer, type TestServer } from "../test/support/server.ts";
import { percentile } from "./support/measure.ts";
import { measureRelay } from "./support/relay.ts";
import { type BenchResult, printResults } from "./support/result.ts";
import { openRtspClient, type RtspClientDriver } from "./support/rtsp-client.ts";

const packetCount = 1_200;
const packetsPerPicture = 4;
const picturesPerGop = 25;
const intervalMs = 5;
const payloadBytes = 1_200;

export async function run(): Promise<BenchResult[]> {
  const options = { joins: { type: "string" }, json: { type: "boolean" } } as const;
  const { values } = parseArgs({ options, allowPositionals: true });
  const packetBytes = interleavedHeaderLength + rtpHeaderLength + payloadBytes;
  const reference = await measureRelay(packetCount / 2, packetBytes, intervalMs);
  await using server = await startServer({ set: ["logging.level=info"] });
  const { latencies, earlyShare } = await measurePackets(server);
  const joins = await measureJoins(server, Number(values.joins ?? 200));
  const row = (name: string, share: number): BenchResult => ({
    name: `latency RTSP in to RTSP out, ${name}`,
    value: percentile(latencies, share),
    unit: "ms",
    reference: { name: `bare relay ${name}, ms`, value: percentile(reference, share) },
  });
  const joinRow = (name: string, share: number): BenchResult => ({
    name: `first packet after PLAY, ${name}`,
    value: percentile(joins, share),
    unit: "ms",
  });
  return [
    row("p50", 0.5),
    row("p99", 0.99),
    { name: "packets that came before their picture was whole", value: earlyShare * 100, unit: "%" },
    joinRow("p50", 0.5),
    joinRow("p99", 0.99),
  ];
}

async function measurePackets(server: TestServer): Promise<{ latencies: number[]; earlyShare: number }> {
  const url = server.rtspUrl("live/latency");
  await using publisher = await Publisher.open(url);
  await publisher.sendPicture(true);
  const latencies: number[] = [];
  let earlyCount = 0;
  const packet = new RtpPacket();
  const player = await openRtspClient(url, undefined, (bytes) => {
    const payload = packet.parse(bytes).payload();
    const mark = new DataView(payload.buffer, payload.byteOffset).getUint32(4);
    const sent = publisher.sentAt.get(mark);
    if (sent === undefined) return;
    latencies.push(performance.now() - sent);
    if (mark % packetsPerPicture !== packetsPerPicture - 1 && mark === publisher.sentAt.size - 1) earlyCount++;
  });
  for (let picture = 1; picture <= packetCount / packetsPerPicture; picture++) {
    await publisher.sendPicture(picture % picturesPerGop === 0);
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  player.close();
  const missing = packetCount - latencies.length;
  if (missing > 0) throw new Error(`${missing} of ${packetCount} packets did not arrive`);
  const unfinished = (latencies.length * (packetsPerPicture - 1)) / packetsPerPicture;
  return { latencies, earlyShare: earlyCount / unfinished };
}

/** Players come while the publisher goes on. */
async function measureJoins(server: TestServer, count: number): Promise<number[]> {
  const url = server.rtspUrl("live/joins");
  await using publisher = await Publisher.open(url);
  await publisher.sendPicture(true);
  const ending = new AbortController();
  const publishing = publisher.keepSending(ending.signal);
  const times: number[] = [];
  for (let join = 0; join < count; join++) {
    const first = Promise.withResolvers<number>();
    const player = await openRtspClient(url, undefined, () => first.resolve(performance.now()));
    times.push((await first.promise) - player.requestedAtMs);
    player.close();
  }
  ending.abort();
  await publishing;
  return times;
}

/** Pictures of H.264 in fragments, each with a mark that says which packet it is. */
class Publisher implements AsyncDisposable {
  /** By mark: when that packet was sent. */
  readonly sentAt: Map<number, number> = new Map();
  readonly #client: RtspClientDriver;
  #picture = 0;

  private constructor(client: RtspClientDriver) {
    this.#client = client;
  }

  static async open(url: string): Promise<Publisher> {
    return new Publisher(await openRtspClient(url, { sdp, tracks: [{ control: "trackID=0" }] }));
  }

  async sendPicture(isKey: boolean): Promise<void> {
    const picture = this.#picture++;
    for (let at = 0; at < packetsPerPicture; at++) {
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
      const mark = picture * packetsPerPicture + at;
      const packet = fragment(mark, isKey);
      this.sentAt.set(mark, performance.now());
      this.#client.sendRtp(0, packet);
    }
  }

  async keepSending(signal: AbortSignal): Promise<void> {
    for (let picture = 1; !signal.aborted; picture++) await this.sendPicture(picture % picturesPerGop === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }
}

/** A fragment of a slice (FU-A); nobody decodes it. */
function fragment(mark: number, isKey: boolean): Uint8Array {
  const at = mark % packetsPerPicture;
  const isLast = at === packetsPerPicture - 1;
  const payload = new Uint8Array(payloadBytes).fill(0xaa);
  payload[0] = isKey ? 0x7c : 0x5c;
  payload[1] = (at === 0 ? 0x80 : 0) | (isLast ? 0x40 : 0) | (isKey ? 5 : 1);
  payload[2] = 0x88;
  new DataView(payload.buffer).setUint32(4, mark);
  const timestamp = Math.floor(mark / packetsPerPicture) * packetsPerPicture * intervalMs * 90;
  return writeRtpPacket({
    payloadType: 96,
    sequenceNumber: mark % 0x1_0000,
    timestamp,
    ssrc: 1,
    marker: isLast,
    payload,
  });
}

/** Main, 64 × 64; the parameter sets stand here alone. */
const sdp = [
  "v=0",
  "o=- 0 0 IN IP4 127.0.0.1",
  "s=latency",
  "c=IN IP4 0.0.0.0",
  "t=0 0",
  "m=video 0 RTP/AVP 96",
  "a=rtpmap:96 H264/90000",
  "a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z01ACuyiE2AiAAADAAIAAAMAZB4kSyw=,aM4PyA==",
  "a=control:trackID=0",
  "",
].join("\r\n");

if (import.meta.main) printResults(await run());
