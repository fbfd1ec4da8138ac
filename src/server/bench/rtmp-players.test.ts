/** RTMP players and our own session on a virtual clock: from the handshake to the end, in random pieces. */

import { expect, test } from "vitest";
import { flvTagType } from "../../formats/flv/tag.ts";
import { randomPieces, ServerBench, seededRandom } from "../../protocols/rtmp/pair.cases.ts";
import type { Connection } from "../../runtime/transport.ts";
import { MediaChecks } from "./media-checks.ts";
import type { PlayerProtocol } from "./player-protocol.ts";
import { RtmpPlayers } from "./rtmp-players.ts";
import { makeSyntheticStream } from "./synthetic-stream.ts";

const player = 1;
const { pictures, sound } = makeSyntheticStream(400_000);

test.each([1, 2, 3])("plays, answers pings, acknowledges, and is told the end (seed %i)", (seed) => {
  const pair = new Pair(seed);
  pair.join();
  const picturesSent = 1_000; // some 2 MB: more than half a window
  for (let i = 0; i < picturesSent; i++) pair.send(i);
  expect(pair.checks.tagCount).toBe(2 * picturesSent);
  expect([pair.checks.backwardsCount, pair.checks.gapCount, pair.checks.longestGapMs]).toEqual([0, 0, 40]);
  expect(pair.checks.firstKeyAtMs[player]).toBeGreaterThan(0);
  const acknowledged = pair.acknowledgements();
  expect(acknowledged.length).toBeGreaterThan(0);
  expect(acknowledged.at(-1)).toBeGreaterThan(1_250_000);

  // A server that asks gets an answer: without one it would close the session.
  for (let i = 0; i < 5; i++) pair.wait(61_000);
  expect(pair.server.errorCode).toBeUndefined();

  pair.server.session.endPlay(1);
  expect(() => pair.carry()).toThrow(expect.objectContaining({ code: "ERR_BENCH_CLOSED" }));
});

test("is refused with the server's words", () => {
  const pair = new Pair(4);
  pair.carry();
  pair.server.session.rejectPlay(1, "stream-not-found", "nobody is publishing live/cam");
  expect(() => pair.carry()).toThrow(
    expect.objectContaining({ code: "ERR_RTMP_REFUSED", message: expect.stringContaining("nobody is publishing") }),
  );
});

class Pair {
  readonly checks = new MediaChecks(3, 500);
  readonly server = new ServerBench();
  readonly #protocol: PlayerProtocol;
  readonly #toServer: Uint8Array[] = [];
  readonly #random: () => number;
  readonly #sent: Uint8Array[] = [];

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    const connection = {
      send: (bytes: Uint8Array) => {
        this.#toServer.push(bytes.slice());
        this.#sent.push(bytes.slice());
      },
    } as unknown as Connection;
    this.#protocol = new RtmpPlayers("rtmp://host/live/cam", 3, this.checks).start(player, connection, this.server.now);
  }

  join(): void {
    this.carry();
    expect(this.server.find("play")).toMatchObject({ messageStreamId: 1, name: "cam" });
    this.server.session.acceptPlay(1, this.server.now);
    this.carry();
  }

  /** A picture and a sound. */
  send(index: number): void {
    const { session } = this.server;
    session.sendMedia(1, flvTagType.video, index * 40, pictures[index % pictures.length] as Uint8Array);
    session.sendMedia(1, flvTagType.audio, index * 40, sound);
    this.carry();
  }

  wait(ms: number): void {
    this.server.advance(ms);
    this.carry();
  }

  /** The numbers of the acknowledgements that the player has sent. */
  acknowledgements(): number[] {
    return this.#sent
      .filter((bytes) => bytes.length === 16 && bytes[7] === 3)
      .map((bytes) => new DataView(bytes.buffer).getUint32(12));
  }

  /** Both ways, until nobody has anything to say. */
  carry(): void {
    for (;;) {
      this.server.handle(...this.#toServer.splice(0));
      const output = this.server.takeOutput();
      if (output.length === 0 && this.#toServer.length === 0) return;
      for (const piece of randomPieces(output, this.#random)) this.#protocol.handle(piece, this.server.now);
    }
  }
}
