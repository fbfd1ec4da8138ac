/** Support of the tests here: a client and a server session on a virtual clock, bytes carried in random pieces. Seeded. */

import { createHmac } from "node:crypto";
import { amfObject, makeAmfObject } from "../../formats/amf/amf-value.ts";
import { capabilityFields, ownCapabilities } from "./capabilities.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { writeMessage } from "./chunk-writer.ts";
import type { RtmpClientEvent, RtmpClientOptions } from "./client-events.ts";
import { RtmpClientSession } from "./client-session.ts";
import { concatBytes } from "./concat-bytes.ts";
import { ClientHandshake } from "./handshake.ts";
import type { RtmpCrypto } from "./handshake-digest.ts";
import { type Command, parseCommand, writeCommand } from "./message/command.ts";
import { messageTypeId, type RtmpMessage } from "./message/message-type.ts";
import type { RtmpServerEvent, RtmpServerOptions } from "./server-events.ts";
import { RtmpServerSession } from "./session.ts";

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** HMAC as it is, random bytes from a seed. */
export function testCrypto(seed = 1): RtmpCrypto {
  const random = seededRandom(seed);
  return {
    hmacSha256: (key, data) => new Uint8Array(createHmac("sha256", key).update(data).digest()),
    randomBytes: (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256)),
  };
}

/** `bytes` cut at random places, now and then into single bytes. */
export function* randomPieces(bytes: Uint8Array, random: () => number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const longest = random() < 0.3 ? 3 : 2000;
    const length = 1 + Math.floor(random() * longest);
    yield bytes.slice(at, at + length);
    at += length;
  }
}

const serverDefaults: RtmpServerOptions = {
  crypto: testCrypto(),
  chunkSize: 60_000,
  pingIntervalMs: 60_000,
  pingTimeoutMs: 30_000,
};

/** A server session with its events and output collected. */
export class ServerBench {
  readonly session: RtmpServerSession;
  readonly events: RtmpServerEvent[] = [];
  readonly #output: Uint8Array[] = [];
  readonly #reader = new ChunkReader();
  #handshakeLeft = 1 + 2 * 1536;
  now = 1_000;

  constructor(options: Partial<RtmpServerOptions> = {}) {
    this.session = new RtmpServerSession({ ...serverDefaults, ...options }, this.now);
  }

  handle(...bytes: Uint8Array[]): void {
    for (const piece of bytes) {
      const before = piece.slice();
      this.session.handle(piece, this.now);
      if (!before.every((byte, i) => byte === piece[i])) throw new Error("the session changed its input");
      this.drain();
      piece.fill(0xee); // the input is only lent: nothing may depend on it any more
    }
  }

  /** Goes forward in time, through every deadline on the way. */
  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const next = this.session.nextTimeout();
      if (next === undefined || next > until) break;
      this.now = next;
      this.session.handleTimeout(next);
      this.drain();
    }
    this.now = until;
  }

  drain(): void {
    for (let event = this.session.pollEvent(); event !== undefined; event = this.session.pollEvent()) {
      // A publisher's media is lent as well.
      this.events.push("payload" in event ? { ...event, payload: event.payload.slice() } : event);
    }
    const output = this.session.pollOutput();
    if (output !== undefined) this.#output.push(output);
  }

  /** All output since the last call. */
  takeOutput(): Uint8Array {
    this.drain();
    return concatBytes(this.#output.splice(0));
  }

  /** The messages sent since the last call, behind the handshake's bytes. */
  takeMessages(): RtmpMessage[] {
    let output = this.takeOutput();
    const handshake = Math.min(this.#handshakeLeft, output.length);
    this.#handshakeLeft -= handshake;
    output = output.subarray(handshake);
    this.#reader.handle(output);
    const messages: RtmpMessage[] = [];
    for (let message = this.#reader.pollMessage(); message !== undefined; message = this.#reader.pollMessage()) {
      messages.push(message);
    }
    return messages;
  }

  takeCommands(): (Command & { readonly messageStreamId: number })[] {
    return this.takeMessages()
      .filter(({ type }) => type === "command")
      .map((message) => ({
        ...parseCommand(message.typeId, message.payload),
        messageStreamId: message.messageStreamId,
      }));
  }

  /** The commands sent since the last call, in short: name, transaction id, and the code of their information. */
  takeReplies(): string[] {
    return this.takeCommands().map(({ name, transactionId, arguments: [information] }) => {
      const code = amfObject(information)?.fields.get("code");
      return code === undefined ? `${name} ${transactionId}` : `${name} ${transactionId} ${code}`;
    });
  }

  find<T extends RtmpServerEvent["type"]>(type: T): (RtmpServerEvent & { readonly type: T }) | undefined {
    return this.events.find((event): event is RtmpServerEvent & { readonly type: T } => event.type === type);
  }

  /** The code of the error that closed the session. */
  get errorCode(): string | undefined {
    return this.find("closed")?.error?.code;
  }
}

/** C0, C1 and C2 of a client that does not look at the answers. */
export function clientHello(): Uint8Array {
  const hello = new ClientHandshake(testCrypto(), undefined).pollOutput() as Uint8Array;
  return concatBytes([hello, new Uint8Array(1536)]);
}

/** A command in one chunk. */
export function commandChunk(name: string, transactionId: number, ...rest: Command["arguments"]): Uint8Array {
  return streamCommandChunk(0, name, transactionId, ...rest);
}

export function streamCommandChunk(
  messageStreamId: number,
  name: string,
  transactionId: number,
  ...rest: Command["arguments"]
): Uint8Array {
  const [commandObject = null, ...values] = rest;
  const payload = writeCommand({ name, transactionId, commandObject, arguments: values });
  return writeMessage(3, 0, messageTypeId.commandAmf0, messageStreamId, payload, 128);
}

/** `connect` to the app "live", with what an enhanced client adds. */
export function connectChunk(app = "live", isEnhanced = false): Uint8Array {
  const fields = { app, tcUrl: `rtmp://host/${app}`, flashVer: "test" };
  return commandChunk(
    "connect",
    1,
    makeAmfObject(isEnhanced ? { ...fields, ...capabilityFields(ownCapabilities) } : fields),
  );
}

/** Everything of a client up to `publish` of "cam" on stream 1. */
export function publishChunks(): Uint8Array[] {
  return [
    clientHello(),
    connectChunk(),
    commandChunk("createStream", 2),
    streamCommandChunk(1, "publish", 3, null, "cam", "live"),
  ];
}

export function playChunks(): Uint8Array[] {
  return [
    clientHello(),
    connectChunk(),
    commandChunk("createStream", 2),
    streamCommandChunk(1, "play", 3, null, "cam"),
  ];
}

export function videoChunks(timestamp: number, payload: Uint8Array, messageStreamId = 1): Uint8Array {
  return writeMessage(6, timestamp, messageTypeId.video, messageStreamId, payload, 128);
}

export function connectedServer(isEnhanced = false): ServerBench {
  const bench = new ServerBench();
  bench.handle(clientHello(), connectChunk("live", isEnhanced));
  return bench;
}

export function publishingServer(): ServerBench {
  const bench = new ServerBench();
  bench.handle(...publishChunks());
  bench.session.acceptPublish(1, bench.now);
  bench.takeMessages();
  return bench;
}

export function playingServer(): ServerBench {
  const bench = new ServerBench();
  bench.handle(...playChunks());
  bench.session.acceptPlay(1, bench.now);
  bench.drain();
  bench.takeMessages();
  return bench;
}

/** Client and server, joined by two wires. */
export class Pair {
  readonly server: ServerBench;
  readonly client: RtmpClientSession;
  readonly clientEvents: RtmpClientEvent[] = [];
  /** All that the client has sent: a recorded session. */
  readonly clientBytes: Uint8Array[] = [];
  /** All that the server has sent. */
  readonly serverBytes: Uint8Array[] = [];
  readonly #random: (() => number) | undefined;

  /** With a `seed`, bytes travel in random pieces. */
  constructor(client: Partial<RtmpClientOptions>, server: Partial<RtmpServerOptions> = {}, seed?: number) {
    this.server = new ServerBench(server);
    const options = { crypto: testCrypto(2), url: "rtmp://host/live/cam", role: "publish", ...client } as const;
    this.client = new RtmpClientSession(options, this.server.now);
    this.#random = seed === undefined ? undefined : seededRandom(seed);
  }

  /** Carries bytes until nobody has anything to say. */
  exchange(): void {
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      const up = this.client.pollOutput();
      if (up !== undefined) {
        isBusy = true;
        this.clientBytes.push(up.slice());
        for (const piece of this.#pieces(up)) this.server.handle(piece);
      }
      const down = this.server.takeOutput();
      if (down.length > 0) {
        isBusy = true;
        this.serverBytes.push(down.slice());
        for (const piece of this.#pieces(down)) {
          this.client.handle(piece, this.server.now);
          piece.fill(0xee);
        }
      }
      this.#drainClient();
    }
  }

  advance(ms: number): void {
    const until = this.server.now + ms;
    this.server.advance(ms);
    const next = this.client.nextTimeout();
    if (next !== undefined && next <= until) this.client.handleTimeout(next);
    this.exchange();
  }

  /** Up to the accepted publish or play. */
  start(): void {
    this.exchange();
    const now = this.server.now;
    if (this.server.find("publish") !== undefined) this.server.session.acceptPublish(1, now);
    if (this.server.find("play") !== undefined) this.server.session.acceptPlay(1, now);
    this.exchange();
  }

  findAtClient<T extends RtmpClientEvent["type"]>(type: T): (RtmpClientEvent & { readonly type: T }) | undefined {
    return this.clientEvents.find((event): event is RtmpClientEvent & { readonly type: T } => event.type === type);
  }

  /** The codes of all status messages that the client got. */
  statusCodes(): string[] {
    return this.clientEvents.flatMap((event) => (event.type === "status" ? [event.code] : []));
  }

  #pieces(bytes: Uint8Array): Iterable<Uint8Array> {
    return this.#random === undefined ? [bytes.slice()] : randomPieces(bytes, this.#random);
  }

  #drainClient(): void {
    for (let event = this.client.pollEvent(); event !== undefined; event = this.client.pollEvent()) {
      this.clientEvents.push(event);
    }
  }
}
