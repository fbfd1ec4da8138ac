/** RTSP players and our own session on a virtual clock: from OPTIONS to the end, in random pieces. */

import { describe, expect, test } from "vitest";
import { writeRtcp } from "../../protocols/rtcp/compound.ts";
import { ntpOfUnixMs } from "../../protocols/rtcp/ntp.ts";
import { writeRtpPacket } from "../../protocols/rtp/packet-writer.ts";
import { writeInterleaved } from "../../protocols/rtsp/interleaved.ts";
import { acceptAll, type Decision, randomPieces, ServerBench, seededRandom } from "../../protocols/rtsp/pair.cases.ts";
import { parseRtspUrl } from "../../protocols/rtsp/url.ts";
import type { Connection } from "../../runtime/transport.ts";
import { packetFigures } from "./media-verdict.ts";
import { type CheckedPlayers, openPlayers } from "./open-players.ts";
import type { PlayerProtocol } from "./player-protocol.ts";
import type { RtpChecks } from "./rtp-checks.ts";

const player = 1;

describe.each([1, 2, 3])("in pieces of seed %i", (seed) => {
  test("plays, checks what comes, keeps its session alive, and is told the end", () => {
    const pair = new Pair(seed);
    pair.join();
    for (let i = 0; i < 3_000; i++) pair.sendFrame(i); // two minutes
    expect(pair.server.errorCode).toBeUndefined();
    const { tagCount, backwardsCount, gapCount, longestGapMs } = pair.opened.checks;
    expect({ tagCount, backwardsCount, gapCount, longestGapMs }).toEqual({
      ...{ tagCount: 6_000, backwardsCount: 0, gapCount: 0, longestGapMs: 40 },
    });
    expect(pair.packetFigures()).toEqual([9_000, 0, 0, 0, 0, 48, 0]);
    expect(pair.sentText()).toContain("GET_PARAMETER");
    expect(pair.opened.checks.playSentAtMs[player]).toBeGreaterThan(0);

    pair.send(writeInterleaved(1, writeRtcp([{ kind: "bye", ssrcs: [1], reason: undefined }])));
    expect(() => pair.carry()).toThrow(expect.objectContaining({ code: "ERR_BENCH_CLOSED" }));
  });

  test.each([
    ["a channel that nobody set up", (frame: Uint8Array) => frame.with(1, 9)],
    ["a byte that is missing", (frame: Uint8Array) => frame.subarray(0, -1)],
    ["a byte too many", (frame: Uint8Array) => Uint8Array.of(...frame, 0)],
    ["a packet that is none", (frame: Uint8Array) => frame.with(4, 0)],
  ])("finds %s", (_what, tear) => {
    const pair = new Pair(seed);
    pair.join();
    pair.sendFrame(0);
    pair.send(tear(pair.frame(1)));
    expect(() => {
      pair.carry();
      pair.sendFrame(2);
    }).toThrow(expect.objectContaining({ code: "ERR_BENCH_FRAMING" }));
  });
});

test("is refused with the server's words", () => {
  const refuse: Decision = (event, session, now) => {
    if (event.type !== "describe") acceptAll(event, session, now);
    else session.reject(event.requestId, 404, now);
  };
  const pair = new Pair(4, refuse);
  expect(() => pair.carry()).toThrow(
    expect.objectContaining({ code: "ERR_RTSP_REFUSED", message: expect.stringContaining("404") }),
  );
});

test.each([
  ["with nothing in it that can be played", "m=text 0 RTP/AVP 96\r\na=rtpmap:96 t140/1000\r\n"],
  ["with nothing in it", ""],
])("a description %s is an error", (_what, media) => {
  const pair = new Pair(5, describedAs(media));
  expect(() => pair.carry()).toThrow(expect.objectContaining({ code: "ERR_BENCH_FRAMING" }));
});

/** A picture in two packets and a sound in one, each 40 ms; reports each 5 s. */
class Pair {
  readonly opened: CheckedPlayers;
  readonly server: ServerBench;
  readonly #protocol: PlayerProtocol;
  readonly #toServer: Uint8Array[] = [];
  readonly #toPlayer: Uint8Array[] = [];
  readonly #sent: Uint8Array[] = [];
  readonly #random: () => number;

  constructor(seed: number, decide: Decision = describedAs(twoTracks)) {
    this.server = new ServerBench({}, decide);
    this.#random = seededRandom(seed);
    const { requestUrl: url, host, port } = parseRtspUrl("rtsp://host/live/cam");
    const options = { players: 3, maxGapMs: 500 } as Parameters<typeof openPlayers>[0]["options"];
    this.opened = openPlayers({ address: { protocol: "rtsp", host, port, url }, options });
    const connection = { send: (bytes: Uint8Array) => this.#push(bytes) } as unknown as Connection;
    this.#protocol = this.opened.protocols.start(player, connection, this.server.now);
  }

  #push(bytes: Uint8Array): void {
    this.#toServer.push(bytes.slice());
    this.#sent.push(bytes.slice());
  }

  join(): void {
    this.carry();
    expect(this.server.find("play")).toBeDefined();
  }

  frame(index: number): Uint8Array {
    return this.#packet(0, 2 * index, index * 3_600, false);
  }

  sendFrame(index: number): void {
    this.server.advance(40);
    if (index % 125 === 0) for (const track of [0, 1]) this.send(this.#report(track, index * 40));
    this.send(this.frame(index));
    this.send(this.#packet(0, 2 * index + 1, index * 3_600, true));
    this.send(this.#packet(1, index, index * 1_920, false));
    this.carry();
  }

  send(bytes: Uint8Array): void {
    this.#toPlayer.push(bytes);
  }

  sentText(): string {
    return this.#sent.map((bytes) => new TextDecoder().decode(bytes)).join("");
  }

  packetFigures(): number[] {
    return Object.values(packetFigures(this.opened.packets as RtpChecks));
  }

  /** Both ways, until nobody has anything to say. */
  carry(): void {
    for (;;) {
      this.server.handle(...this.#toServer.splice(0));
      const output = Buffer.concat([this.server.takeOutput(), ...this.#toPlayer.splice(0)]);
      if (output.length === 0 && this.#toServer.length === 0) return;
      for (const piece of randomPieces(new Uint8Array(output), this.#random))
        this.#protocol.handle(piece, this.server.now);
    }
  }

  #packet(track: number, sequence: number, timestamp: number, marker: boolean): Uint8Array {
    const payload = new Uint8Array(track === 0 ? 700 : 30).fill(0x41);
    const numbers = { sequenceNumber: (65_000 + sequence) % 0x1_0000, timestamp, payloadType: 96 + track };
    return writeInterleaved(2 * track, writeRtpPacket({ ...numbers, ssrc: track + 1, marker, payload }));
  }

  #report(track: number, timeMs: number): Uint8Array {
    const rtpTimestamp = timeMs * (track === 0 ? 90 : 48);
    const counts = { packetCount: 0, octetCount: 0, reports: [] };
    const ntp = ntpOfUnixMs(1_800_000_000_000 + timeMs);
    return writeInterleaved(
      2 * track + 1,
      writeRtcp([{ kind: "senderReport", ssrc: track + 1, ntp, rtpTimestamp, ...counts }]),
    );
  }
}

function describedAs(media: string): Decision {
  const sdp = `v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n${media}`;
  return (event, session, now) => {
    if (event.type !== "describe") acceptAll(event, session, now);
    else session.acceptDescribe(event.requestId, { sdp, trackCount: 2 }, now);
  };
}

const twoTracks =
  "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=0\r\n" +
  "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\na=control:trackID=1\r\n";
