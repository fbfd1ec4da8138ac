import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maxMissingPackets, maxReorderPackets } from "./limits.ts";
import { RtpPacket } from "./packet.ts";
import { writeRtpPacket } from "./packet-writer.ts";
import { ReceiveQueue } from "./receive-queue.ts";

interface Out {
  readonly sequence: number;
  readonly lostBefore: number;
  readonly isRestart: boolean;
}

describe("a receive queue", () => {
  it("hands through what comes in order, without a copy", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000 });
    const packet = new RtpPacket().parse(bytesOf(65_535));
    queue.handle(packet, 0);
    expect(queue.poll(0)).toBe(packet);
    expect(queue.poll(0)).toBeUndefined();
    expect(
      run(
        queue,
        [65_536, 65_537].map((sequence) => at(0)(sequence)),
      ),
    ).toEqual([plain(0), plain(1)]);
    expect(queue.nextTimeout()).toBeUndefined();
  });

  it("puts packets into order, over the wrap too", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000 });
    const out = run(
      queue,
      [65_534, 65_537, 65_536, 65_535, 65_538].map((sequence) => at(0)(sequence)),
    );
    expect(out).toEqual([65_534, 65_535, 0, 1, 2].map((sequence) => plain(sequence)));
    expect(queue).toMatchObject({ lostCount: 0, duplicateCount: 0, lateCount: 0 });
  });

  it("drops duplicates, of what is out and of what waits", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000 });
    expect(
      run(
        queue,
        [1, 1, 3, 3, 2, 3].map((sequence) => at(0)(sequence)),
      ),
    ).toEqual([1, 2, 3].map((sequence) => plain(sequence)));
    expect(queue.duplicateCount).toBe(3);
  });

  it("counts what came behind a packet that was sent later, once", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000, maxDelayMs: 100 });
    run(
      queue,
      [1, 4, 2, 2, 3, 5, 7, 6].map((sequence) => at(0)(sequence)),
    );
    expect(queue).toMatchObject({ reorderedCount: 3, duplicateCount: 1, lostCount: 0 });
  });

  it("may be told to wait when it has waited for nothing before", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000, maxDelayMs: 0 });
    expect(run(queue, [at(0)(1), at(0)(3)])).toHaveLength(2);
    queue.maxDelayMs = 100;
    expect(run(queue, [at(1)(6), at(2)(5), at(3)(4)])).toEqual([plain(4), plain(5), plain(6)]);
  });

  it("gives up what is missing when its time is over", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000, maxDelayMs: 100 });
    expect(run(queue, [at(0)(1), at(10)(4), at(20)(5)])).toEqual([plain(1)]);
    expect(queue.nextTimeout()).toBe(110);
    expect(drain(queue, 109)).toEqual([]);
    expect(drain(queue, 110)).toEqual([{ sequence: 4, lostBefore: 2, isRestart: false }, plain(5)]);
    expect(queue.lostCount).toBe(2);
    expect(run(queue, [at(111)(3)])).toEqual([]);
    expect(queue).toMatchObject({ lostCount: 1, lateCount: 1, duplicateCount: 0 });
  });

  it("gives up what is missing when too much waits", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000 });
    const out = run(
      queue,
      Array.from({ length: maxReorderPackets + 5 }, (_, i) => at(0)(i === 0 ? 0 : i + 1)),
    );
    expect(out[1]).toEqual({ sequence: 2, lostBefore: 1, isRestart: false });
    expect(out).toHaveLength(maxReorderPackets + 5);
  });

  it("gives up at once when nothing can be reordered", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000, maxDelayMs: 0 });
    expect(
      run(
        queue,
        [1, 4].map((sequence) => at(0)(sequence)),
      ),
    ).toEqual([plain(1), { sequence: 4, lostBefore: 2, isRestart: false }]);
  });

  it("starts anew on the second packet of another source", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000 });
    const out = run(queue, [at(0)(10), at(0)(12), at(0)(500, 2), at(0)(501, 2), at(0)(502, 2)]);
    expect(out).toEqual([
      plain(10),
      { sequence: 12, lostBefore: 1, isRestart: false },
      { sequence: 500, lostBefore: 0, isRestart: true },
      plain(501),
      plain(502),
    ]);
    expect(queue).toMatchObject({ ssrc: 2, restartCount: 1, lostCount: 1 });
  });

  it("starts anew when sequence numbers jump, forward or back", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000 });
    const out = run(
      queue,
      [10, 20_000, 20_001, 5_000, 5_001].map((sequence) => at(0)(sequence)),
    );
    expect(out.map(({ sequence, isRestart }) => [sequence, isRestart])).toEqual([
      [10, false],
      [20_000, true],
      [20_001, false],
      [5_000, true],
      [5_001, false],
    ]);
    expect(queue.lostCount).toBe(0);
  });

  it("is not led astray by single strangers", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000 });
    const out = run(queue, [
      at(0)(1),
      at(0)(9, 7),
      at(0)(2),
      at(0)(10, 7),
      at(0)(30_000),
      at(0)(3),
      at(0)(30_001),
      at(0)(4),
    ]);
    expect(out).toEqual([1, 2, 3, 4].map((sequence) => plain(sequence)));
    expect(queue).toMatchObject({ ssrc: 1, restartCount: 0 });
  });

  it("takes no packets from before the first", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000 });
    expect(
      run(
        queue,
        [0, 65_535, 1].map((sequence) => at(0)(sequence)),
      ),
    ).toEqual([plain(0), plain(1)]);
    expect(queue).toMatchObject({ lateCount: 1, lostCount: 0 });
    expect(queue.statistics.report(0)).toMatchObject({ highestSequence: 1, totalLost: 0 });
  });

  it("tells what is worth asking for again, oldest first, over the wrap too", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000, maxDelayMs: 100 });
    run(queue, [at(0)(65_532)]);
    expect(queue.missing()).toEqual([]);
    run(queue, [at(0)(65_535), at(0)(65_538)]);
    expect(queue.missing()).toEqual([65_533, 65_534, 0, 1]);
    run(queue, [at(10)(65_534)]);
    expect(queue.missing()).toEqual([65_533, 0, 1]);
    drain(queue, 100);
    expect(queue.missing()).toEqual([]); // given up
    run(queue, [at(200)(65_540 + maxMissingPackets * 2)]);
    expect(queue.missing()).toEqual(Array.from({ length: maxMissingPackets }, (_, i) => 3 + i));
  });

  it("asks nothing of a source that has started anew, nor of a transport that repeats by itself", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000 });
    queue.handle(new RtpPacket().parse(bytesOf(1)), 0);
    queue.poll(0);
    for (const [sequence, ssrc] of [
      [5, 1],
      [500, 2],
      [501, 2],
      [503, 2],
    ] as const) {
      queue.handle(new RtpPacket().parse(bytesOf(sequence, ssrc)), 0);
    }
    expect(queue.missing()).toEqual([502]);
    const reliable = new ReceiveQueue({ clockRate: 90_000, maxDelayMs: 0 });
    run(reliable, [at(0)(1), at(0)(4)]);
    expect(reliable.missing()).toEqual([]);
  });

  it("counts what a network did to the packets, and keeps their order", () => {
    const network = fc.array(
      fc.record({ isLost: fc.boolean(), isTwice: fc.boolean(), delay: fc.integer({ min: 0, max: 9 }) }),
      { minLength: 2, maxLength: 300 },
    );
    fc.assert(
      fc.property(network, fc.integer({ min: 0, max: 65_535 }), (packets, first) => {
        const queue = new ReceiveQueue({ clockRate: 90_000, maxDelayMs: 100 });
        // 10 ms apart; delays of up to 90 ms are within what the queue waits for. The first and the last arrive in time.
        const isEnd = (i: number) => i === 0 || i === packets.length - 1;
        const arrivals = packets.flatMap(({ isLost, isTwice, delay }, i) => {
          if (isEnd(i)) return [{ i, ms: i * 10 + (i === 0 ? 0 : 200) }];
          if (isLost) return [];
          const arrival = { i, ms: i * 10 + delay * 10 };
          return isTwice ? [arrival, { i, ms: arrival.ms + 5 }] : [arrival];
        });
        arrivals.sort((a, b) => a.ms - b.ms);
        const out = run(
          queue,
          arrivals.map(({ i, ms }) => at(ms)(first + i)),
        );
        out.push(...drain(queue, 10_000));
        const sent = packets.map((packet, i) => ({ ...packet, i })).filter(({ isLost, i }) => !isLost || isEnd(i));
        expect(out.map(({ sequence }) => sequence)).toEqual(sent.map(({ i }) => (first + i) % 65_536));
        expect(queue.lostCount).toBe(packets.length - sent.length);
        expect(queue.duplicateCount).toBe(sent.filter(({ isTwice, i }) => isTwice && !isEnd(i)).length);
        expect(out.reduce((sum, { lostBefore }) => sum + lostBefore, 0)).toBe(queue.lostCount);
      }),
    );
  });

  it("survives any walk of sequence numbers, sources and time", () => {
    const step = fc.record({
      jump: fc.oneof(fc.integer({ min: -3, max: 5 }), fc.integer({ min: -70_000, max: 70_000 })),
      ssrc: fc.integer({ min: 1, max: 2 }),
      wait: fc.nat(60),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const queue = new ReceiveQueue({ clockRate: 90_000 });
        let sequence = 0;
        let nowMs = 0;
        for (const { jump, ssrc, wait } of steps) {
          sequence = (((sequence + jump) % 65_536) + 65_536) % 65_536;
          nowMs += wait;
          run(queue, [at(nowMs)(sequence, ssrc)]);
          expect(queue.nextTimeout() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(nowMs);
          expect(queue.lostCount).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});

describe("reception statistics", () => {
  it("are those of RFC 3550 A.3", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000, maxDelayMs: 0 });
    run(
      queue,
      [65_534, 65_535, 65_537, 65_538].map((sequence) => at(0)(sequence)),
    );
    expect(queue.statistics.report(0)).toEqual({
      ssrc: 1,
      fractionLost: 51, // 1 of 5
      totalLost: 1,
      highestSequence: 0x1_0002,
      jitter: 0,
      lastSenderReport: 0,
      delay: 0,
    });
    expect(queue.statistics.lossFraction).toBeCloseTo(0.2);
    run(
      queue,
      [65_538, 65_538, 65_539].map((sequence) => at(0)(sequence)),
    );
    expect(queue.statistics.report(0)).toMatchObject({ fractionLost: 0, totalLost: -1, highestSequence: 0x1_0003 });
  });

  it("have the jitter of RFC 3550 A.8", () => {
    const queue = new ReceiveQueue({ clockRate: 8_000, maxDelayMs: 0 });
    // 20 ms apart by their timestamps, 30 ms apart by their arrival: 80 ticks each, a sixteenth of which counts.
    const jitters = Array.from({ length: 200 }, (_, i) => {
      run(queue, [{ bytes: bytesOf(i, 1, i * 160), ms: i * 30 }]);
      return queue.statistics.jitterMs * 8;
    });
    expect(jitters.slice(0, 3)).toEqual([0, 5, 5 + 75 / 16]);
    expect(queue.statistics.report(0).jitter).toBe(79);
    expect(queue.statistics.jitterMs).toBeCloseTo(10, 3);
    run(queue, [{ bytes: bytesOf(200, 1, 0x7000_0000), ms: 6_000 }]); // a jump is no jitter
    expect(queue.statistics.report(0).jitter).toBe(79);
  });

  it("tell when the last sender report came", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000 });
    run(queue, [at(0)(1)]);
    queue.statistics.handleSenderReport(0xa510_8765, 1_000);
    expect(queue.statistics.report(2_500)).toMatchObject({ lastSenderReport: 0xa510_8765, delay: 0x1_8000 });
  });

  it("begin anew with another source", () => {
    const queue = new ReceiveQueue({ clockRate: 90_000 });
    run(queue, [at(0)(1), at(0)(100, 5), at(0)(101, 5)]);
    expect(queue.statistics.report(0)).toMatchObject({ ssrc: 5, totalLost: 0, highestSequence: 0x1_0065 });
  });
});

function plain(sequence: number): Out {
  return { sequence, lostBefore: 0, isRestart: false };
}

function bytesOf(sequence: number, ssrc = 1, timestamp = 0): Uint8Array {
  const sequenceNumber = sequence % 65_536;
  return writeRtpPacket({ payloadType: 96, sequenceNumber, timestamp, ssrc, payload: Uint8Array.of(1) });
}

/** A packet that arrives at `ms`. */
function at(ms: number): (sequence: number, ssrc?: number) => { bytes: Uint8Array; ms: number } {
  return (sequence, ssrc = 1) => ({ bytes: bytesOf(sequence, ssrc === 0 ? 1 : ssrc), ms });
}

function run(queue: ReceiveQueue, arrivals: readonly { bytes: Uint8Array; ms: number }[]): Out[] {
  const out: Out[] = [];
  const packet = new RtpPacket();
  for (const { bytes, ms } of arrivals) {
    out.push(...drain(queue, ms));
    queue.handle(packet.parse(bytes), ms);
    out.push(...drain(queue, ms));
  }
  return out;
}

function drain(queue: ReceiveQueue, nowMs: number): Out[] {
  const out: Out[] = [];
  for (let packet = queue.poll(nowMs); packet !== undefined; packet = queue.poll(nowMs)) {
    out.push({ sequence: packet.sequenceNumber, lostBefore: queue.lostBefore, isRestart: queue.isRestart });
  }
  return out;
}
