/** The receive queue under random packets: five bytes each say source, sequence number, length of payload and time. */

import { assert } from "../../src/bytes/assert.ts";
import { RtpPacket } from "../../src/protocols/rtp/packet.ts";
import { writeRtpPacket } from "../../src/protocols/rtp/packet-writer.ts";
import { ReceiveQueue } from "../../src/protocols/rtp/receive-queue.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtp-receive-queue",
  covers: ["src/protocols/rtp/receive-queue.ts", "src/protocols/rtp/reception-statistics.ts"],
  corpora: [],
  seeds: () => [
    Uint8Array.fromHex("00ffff0001 000000010a 0000030100 0000020100".replaceAll(" ", "")),
    Uint8Array.fromHex("0000010001 0000030001 0100500001 0100510001 0000040050".replaceAll(" ", "")),
  ],
  run(bytes) {
    const queue = new ReceiveQueue({ clockRate: 90_000 });
    const packet = new RtpPacket();
    let nowMs = 0;
    let inCount = 0;
    let outCount = 0;
    let expected = -1;
    for (let at = 0; at + 5 <= bytes.length; at += 5) {
      const [source = 0, high = 0, low = 0, length = 0, waitMs = 0] = bytes.subarray(at, at + 5);
      nowMs += waitMs;
      const payload = new Uint8Array(length);
      const fields = {
        payloadType: 96,
        sequenceNumber: high * 256 + low,
        timestamp: at * 90,
        ssrc: source & 3,
        payload,
      };
      queue.handle(packet.parse(writeRtpPacket(fields)), nowMs);
      inCount++;
      for (let out = queue.poll(nowMs); out !== undefined; out = queue.poll(nowMs)) {
        outCount++;
        const isNext = ((expected + queue.lostBefore) & 0xffff) === out.sequenceNumber;
        assert(expected < 0 || queue.isRestart || isNext, "a packet is out of order");
        expected = (out.sequenceNumber + 1) & 0xffff;
      }
      assert(outCount <= inCount && queue.lostCount >= 0, "more came out than went in");
      const timeoutMs = queue.nextTimeout();
      assert(timeoutMs === undefined || timeoutMs > nowMs, "a packet waits longer than it may");
      const [firstMissing] = queue.missing();
      assert((firstMissing !== undefined) === (timeoutMs !== undefined), "what waits, waits for something");
      assert(firstMissing === undefined || firstMissing === expected, "what is missing first is what is due");
      queue.statistics.report(nowMs);
    }
  },
};
