/**
 * An egress protocol of one's own, registered on the engine: every frame as a line of JSON, to anyone who connects over TCP.
 * Run it with `node examples/custom-egress.ts`.
 *
 * It is small because the kernel does the rest. A wire format turns each frame into bytes once, however many peers there are;
 * a peer is a cursor on those bytes; one that is too slow jumps to the newest key frame, and in the end is evicted.
 */

import { log } from "node:console";
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CursorTable,
  cursorSteps,
  defaultLagLimits,
  type EgressProtocol,
  Engine,
  entryFlags,
  LogReader,
  type LogSubscription,
  type TrackFormat,
  type WireFormat,
} from "millrace";

const port = 7070;

/** One log for each stream, whoever plays it: the key is the same for all. */
const jsonLines: WireFormat = {
  key: "json-lines",
  createPacketizer: (target) => ({
    handleFrame: ({ ptsTicks, isKey, data }, isRandomAccess) => {
      const line = new TextEncoder().encode(`${JSON.stringify({ ptsTicks, isKey, byteLength: data.length })}\n`);
      target.claim(line.length, entryFlags.endOfFrame | (isRandomAccess ? entryFlags.key : 0), ptsTicks);
      target.write(line);
      target.commit();
    },
    handleMetadata: () => {},
  }),
};

class JsonLines implements EgressProtocol {
  readonly name = "json-lines";
  readonly #engine: Engine;
  readonly #cursors = new CursorTable(1_000);
  readonly #server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    this.#play(socket).catch((error: Error) => socket.end(`${error.message}\n`));
  });

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", resolve);
    });
  }

  stop(): void {
    this.#server.close();
  }

  async #play(socket: Socket): Promise<void> {
    const subscription = await this.#engine.subscribeLog(
      { name: "live/cam", protocol: this.name, address: socket.remoteAddress ?? "" },
      () => jsonLines,
      () => socket.end(),
    );
    const reader = new LogReader(subscription.log.memory);
    reader.refresh();
    const cursor = this.#cursors.open(reader, false, performance.now());
    const flush = (): void => this.#flush(socket, subscription, reader, cursor);
    const removeDoorbell = subscription.log.addDoorbell(flush);
    socket.on("drain", flush);
    socket.on("close", () => {
      removeDoorbell();
      this.#cursors.close(cursor);
      subscription.close("the connection was closed");
    });
    flush();
  }

  #flush(socket: Socket, subscription: LogSubscription, reader: LogReader, cursor: number): void {
    if (socket.destroyed || socket.writableNeedDrain) return;
    reader.memory = subscription.log.memory;
    reader.refresh();
    const step = this.#cursors.step(cursor, reader, defaultLagLimits, performance.now());
    if (step === cursorSteps.evicted) {
      subscription.evicted();
      socket.destroy();
    }
    if (step !== cursorSteps.ready) return;
    const isStarting = this.#cursors.isStarting(cursor);
    const { views, endEntry, endPosition, byteLength } = reader.gather(
      this.#cursors.entries[cursor] as number,
      isStarting,
      65_536,
    );
    // Copied, because a socket may keep them longer than the ring does.
    socket.write(Buffer.concat(views));
    this.#cursors.advance(cursor, endEntry, endPosition, byteLength, performance.now());
  }
}

const engine = new Engine();
engine.register(new JsonLines(engine));
await engine.start();

const publication = await engine.publish({ name: "live/cam", protocol: "example" });
const format: TrackFormat = { codec: "h264", timescale: 1000, config: new Uint8Array(0), codecString: "" };
const track = publication.setTrack("video", 0, format);
const peer = connect(port, "127.0.0.1");
createInterface({ input: peer }).on("line", (line) => log(line));
for (let n = 0; n < 10; n++) {
  publication.publish(track, n * 40, n * 40, n % 5 === 0, new Uint8Array(1_000));
  await sleep(40);
}
await engine.shutdown();
