/**
 * What RTMP costs per message, without sockets: a message out of chunks, a frame through the kernel into an egress log, and the
 * heap that each takes. `node bench/rtmp.ts [--json]`
 */

import { type FlvFramingChoice, flvCodecBits, flvFamily, flvFormatRequest } from "../src/bridges/flv-egress.ts";
import { RtmpIngest } from "../src/bridges/rtmp-ingest.ts";
import { ChunkReader } from "../src/protocols/rtmp/chunk-reader.ts";
import { chunkedLength, chunkStreamId, writeChunks } from "../src/protocols/rtmp/chunk-writer.ts";
import { Engine } from "../src/runtime/engine.ts";
import { measureCost } from "./support/measure.ts";
import { type BenchResult, printResults } from "./support/result.ts";
import { sequenceHeader } from "./support/sequence-header.ts";

const payloadBytes = 5_000; // a picture of 1 Mb/s at 25 fps

export async function run(): Promise<BenchResult[]> {
  return [...parseCosts(), ...(await publishCosts())];
}

function parseCosts(): BenchResult[] {
  const results: BenchResult[] = [];
  for (const chunkSize of [4_096, 60_000]) {
    const payload = new Uint8Array(payloadBytes).fill(0x27);
    const wire = new Uint8Array(chunkedLength(payloadBytes, 1000, chunkSize));
    writeChunks(wire, 0, chunkStreamId.video, 1000, 9, 1, payload, chunkSize);
    const reader = new ChunkReader();
    const setChunkSize = new Uint8Array(16);
    setChunkSize.set([2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0]);
    new DataView(setChunkSize.buffer).setUint32(12, chunkSize);
    reader.handle(setChunkSize);
    while (reader.pollMessage() !== undefined);
    const copy = new Uint8Array(payloadBytes);
    const reference = measureCost((count) => {
      for (let i = 0; i < count; i++) copy.set(payload);
    });
    const parse = measureCost((count) => {
      for (let i = 0; i < count; i++) {
        reader.handle(wire);
        while (reader.pollMessage() !== undefined);
      }
    });
    const name = `RTMP: parse a message of ${payloadBytes} bytes, chunks of ${chunkSize}`;
    const copyName = "one copy of it, ns";
    results.push({
      name,
      value: parse.nanoseconds,
      unit: "ns",
      reference: { name: copyName, value: reference.nanoseconds },
    });
    results.push({ name: "  heap allocated", value: parse.heapBytes, unit: "bytes" });
    results.push({
      name: "  buffers allocated",
      value: parse.bufferBytes,
      unit: "bytes",
      reference: { name: "payload", value: payloadBytes },
    });
  }
  return results;
}

async function publishCosts(): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  const selection = {
    wantsAudio: true,
    wantsVideo: true,
    codecs: flvCodecBits(() => true),
    hasMultitrack: false,
    hasNanoseconds: false,
    wantsHevc12: false,
  };
  const framings: readonly (FlvFramingChoice | undefined)[] = [
    undefined,
    { type: "rtmp", messageStreamId: 1, chunkSize: 60_000 },
    { type: "flv" },
  ];
  for (const framing of framings) {
    const engine = new Engine();
    const publication = await engine.publish({ name: "bench/stream", protocol: "bench" });
    const ingest = new RtmpIngest(publication, (problem) => {
      throw problem;
    });
    const body = new Uint8Array(payloadBytes).fill(1);
    body.set([0x27, 1, 0, 0, 0]);
    const key = body.slice();
    key[0] = 0x17;
    ingest.handleVideo(0, sequenceHeader());
    ingest.handleVideo(0, key);
    if (framing !== undefined) {
      await engine.subscribeLog(
        { name: "bench/stream", protocol: "bench" },
        (stream) => flvFamily.choose(stream.tracks, flvFormatRequest(framing, selection)).format,
        () => {},
      );
    }
    let time = 0;
    const cost = measureCost((count) => {
      for (let i = 0; i < count; i++) {
        time += 40;
        ingest.handleVideo(time, time % 2_000 === 0 ? key : body);
      }
    });
    await engine.shutdown();
    const where = framing === undefined ? "no subscriber" : `a log of ${framing.type}`;
    results.push({ name: `publish a frame of ${payloadBytes} bytes, ${where}`, value: cost.nanoseconds, unit: "ns" });
    results.push({ name: "  heap allocated", value: cost.heapBytes, unit: "bytes" });
    results.push({ name: "  buffers allocated", value: cost.bufferBytes, unit: "bytes" });
  }
  return results;
}

if (import.meta.main) printResults(await run());
