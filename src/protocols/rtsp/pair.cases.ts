/** Support of the tests here: a client and a server session on a virtual clock, bytes carried in random pieces. Seeded. */

import { createHash } from "node:crypto";
import type { RtspClientEvent, RtspClientOptions, RtspClientTrack } from "./client-events.ts";
import { RtspClientSession } from "./client-session.ts";
import type { RtspCrypto } from "./digest.ts";
import { trackControl } from "./presentation.ts";
import type { RtspServerEvent, RtspServerOptions } from "./server-events.ts";
import { RtspServerSession } from "./session.ts";

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

/** Hashes as they are, random bytes that count: the first 16 are 00…, the next 01…. */
export function testCrypto(): RtspCrypto {
  let count = 0;
  return {
    md5: (data) => new Uint8Array(createHash("md5").update(data).digest()),
    sha256: (data) => new Uint8Array(createHash("sha256").update(data).digest()),
    randomBytes: (length) => new Uint8Array(length).fill(count++),
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

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Lines of a dialogue as they are on the wire; the empty line at the end is added. */
export function wire(lines: string): string {
  return `${lines
    .trim()
    .split("\n")
    .map((line) => line.trim())
    .join("\r\n")}\r\n\r\n`;
}

export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** A description with two tracks, with the controls that players hang on. */
export const testSdp: string = sdpOf([trackControl(0), trackControl(1)]);

export function sdpOf(controls: readonly string[]): string {
  const media = controls.map(
    (control, i) => `m=${i === 0 ? "video" : "audio"} 0 RTP/AVP ${96 + i}\r\na=control:${control}\r\n`,
  );
  return `v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n${media.join("")}`;
}

/** `a=control` of the media sections: what the layer above finds with its parser. */
function controlsIn(sdp: string): (string | undefined)[] {
  return sdp
    .split(/^m=/m)
    .slice(1)
    .map((media) => /^a=control:(.*?)\r?$/m.exec(media)?.[1]);
}

const serverDefaults: Omit<RtspServerOptions, "crypto"> = {
  isTls: false,
  transports: { tcp: true, udp: true, multicast: false },
};

export type Decision = (event: RtspServerEvent, session: RtspServerSession, now: number) => void;

/** Says yes to everything. */
export function acceptAll(event: RtspServerEvent, session: RtspServerSession, now: number): void {
  switch (event.type) {
    case "describe":
      session.acceptDescribe(event.requestId, { sdp: testSdp, trackCount: 2 }, now);
      break;
    case "announce":
      session.acceptAnnounce(event.requestId, { controls: controlsIn(event.sdp) }, now);
      break;
    case "setup":
      session.acceptSetup(
        event.requestId,
        {
          serverPorts: [8000, 8001],
          multicast: { address: "239.1.2.3", ports: [9000, 9001], ttl: 1 },
        },
        now,
      );
      break;
    case "play":
      session.acceptPlay(event.requestId, [{ trackIndex: 0, sequenceNumber: 7, rtpTime: 90_000 }], now);
      break;
    case "record":
      session.acceptRecord(event.requestId, now);
      break;
    default:
      break;
  }
}

/** Leaves every decision to the test. */
export function decideNothing(): void {}

/** A server session with its events and output collected. */
export class ServerBench {
  readonly session: RtspServerSession;
  readonly events: RtspServerEvent[] = [];
  readonly #output: Uint8Array[] = [];
  readonly #decide: Decision;
  now = 1_000;

  constructor(options: Partial<RtspServerOptions> = {}, decide: Decision = acceptAll) {
    this.session = new RtspServerSession({ crypto: testCrypto(), ...serverDefaults, ...options }, this.now);
    this.#decide = decide;
  }

  handle(...bytes: (Uint8Array | string)[]): void {
    for (const piece of bytes) {
      const input = typeof piece === "string" ? bytesOf(piece) : piece.slice();
      const before = input.slice();
      this.session.handle(input, this.now);
      this.drain();
      if (!before.every((byte, i) => byte === input[i])) throw new Error("the session changed its input");
      input.fill(0xee); // the input is only lent: nothing may depend on it any more
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
      this.events.push(event.type === "media" ? { ...event, data: event.data.slice() } : event);
      this.#decide(event, this.session, this.now);
    }
    const output = this.session.pollOutput();
    if (output !== undefined) this.#output.push(output);
  }

  /** All output since the last call. */
  takeOutput(): Uint8Array {
    this.drain();
    return concat(this.#output.splice(0));
  }

  takeText(): string {
    return new TextDecoder().decode(this.takeOutput());
  }

  /** The status codes of the answers since the last call. */
  takeCodes(): number[] {
    return [...this.takeText().matchAll(/^RTSP\/1\.0 ([0-9]{3})/gm)].map(([, code]) => Number(code));
  }

  /** Sends one request and returns its answer. */
  ask(lines: string): string {
    this.handle(wire(lines));
    return this.takeText();
  }

  /** The same, in short. */
  askCode(lines: string): number | undefined {
    this.handle(wire(lines));
    return this.takeCodes()[0];
  }

  find<T extends RtspServerEvent["type"]>(type: T): (RtspServerEvent & { readonly type: T }) | undefined {
    return this.events.find((event): event is RtspServerEvent & { readonly type: T } => event.type === type);
  }

  findAll<T extends RtspServerEvent["type"]>(type: T): (RtspServerEvent & { readonly type: T })[] {
    return this.events.filter((event): event is RtspServerEvent & { readonly type: T } => event.type === type);
  }

  /** The code of the error that closed the session. */
  get errorCode(): string | undefined {
    return this.find("closed")?.error?.code;
  }
}

/** Requests of a player up to PLAY, over TCP. */
export const playRequests: readonly string[] = [
  "OPTIONS rtsp://host/live/cam RTSP/1.0\nCSeq: 1",
  "DESCRIBE rtsp://host/live/cam RTSP/1.0\nCSeq: 2\nAccept: application/sdp",
  "SETUP rtsp://host/live/cam/trackID=0 RTSP/1.0\nCSeq: 3\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1",
  "SETUP rtsp://host/live/cam/trackID=1 RTSP/1.0\nCSeq: 4\nTransport: RTP/AVP/TCP;unicast;interleaved=2-3",
  "PLAY rtsp://host/live/cam/ RTSP/1.0\nCSeq: 5\nRange: npt=0.000-",
].map(wire);

const announced = sdpOf(["streamid=0", "streamid=1"]);

/** Requests of a publisher up to RECORD, over TCP. */
export const recordRequests: readonly string[] = [
  wire(
    `ANNOUNCE rtsp://host/live/cam RTSP/1.0\nCSeq: 1\nContent-Type: application/sdp\nContent-Length: ${announced.length}`,
  ) + announced,
  wire(
    "SETUP rtsp://host/live/cam/streamid=0 RTSP/1.0\nCSeq: 2\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record",
  ),
  wire(
    "SETUP rtsp://host/live/cam/streamid=1 RTSP/1.0\nCSeq: 3\nTransport: RTP/AVP/TCP;unicast;interleaved=2-3;mode=record",
  ),
  wire("RECORD rtsp://host/live/cam RTSP/1.0\nCSeq: 4\nRange: npt=0.000-"),
];

export function playingServer(options: Partial<RtspServerOptions> = {}): ServerBench {
  const bench = new ServerBench(options);
  bench.handle(...playRequests);
  bench.takeOutput();
  return bench;
}

export function recordingServer(options: Partial<RtspServerOptions> = {}): ServerBench {
  const bench = new ServerBench(options);
  bench.handle(...recordRequests);
  bench.takeOutput();
  return bench;
}

/** A client session with its events and output collected; a description is answered by setting up all that it has. */
export class ClientBench {
  readonly session: RtspClientSession;
  readonly events: RtspClientEvent[] = [];
  now = 1_000;
  readonly #output: Uint8Array[] = [];
  readonly #clientPorts: boolean;

  constructor(options: Partial<RtspClientOptions> = {}) {
    const defaults = { crypto: testCrypto(), url: "rtsp://host/live/cam", transport: "tcp" } as const;
    this.session = new RtspClientSession({ ...defaults, ...options }, this.now);
    this.#clientPorts = (options.transport ?? "tcp") !== "tcp";
    this.drain();
  }

  handle(...bytes: (Uint8Array | string)[]): void {
    for (const piece of bytes) {
      const input = typeof piece === "string" ? bytesOf(piece) : piece.slice();
      this.session.handle(input, this.now);
      this.drain();
      input.fill(0xee);
    }
  }

  /** Answers the request that is under way, and returns the next. */
  answer(lines: string, body = ""): string {
    const length = body === "" ? "" : `\nContent-Length: ${body.length}`;
    this.handle(wire(lines + length) + body);
    return this.takeText();
  }

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
      this.events.push(event.type === "media" ? { ...event, data: event.data.slice() } : event);
      if (event.type !== "description") continue;
      const aggregate = /^a=control:(.*?)\r?$/m.exec(event.sdp.split(/^m=/m)[0] ?? "")?.[1];
      this.session.setUp(tracksOf(controlsIn(event.sdp), this.#clientPorts), aggregate, this.now);
    }
    const output = this.session.pollOutput();
    if (output !== undefined) this.#output.push(output);
  }

  takeOutput(): Uint8Array {
    this.drain();
    return concat(this.#output.splice(0));
  }

  takeText(): string {
    return new TextDecoder().decode(this.takeOutput());
  }

  find<T extends RtspClientEvent["type"]>(type: T): (RtspClientEvent & { readonly type: T }) | undefined {
    return this.findAll(type)[0];
  }

  findAll<T extends RtspClientEvent["type"]>(type: T): (RtspClientEvent & { readonly type: T })[] {
    return this.events.filter((event): event is RtspClientEvent & { readonly type: T } => event.type === type);
  }

  get errorCode(): string | undefined {
    return this.find("closed")?.error?.code;
  }
}

function tracksOf(controls: readonly (string | undefined)[], withPorts: boolean): RtspClientTrack[] {
  return controls.map((control, i) => ({
    control,
    clientPorts: withPorts ? [40_000 + 2 * i, 40_001 + 2 * i] : undefined,
  }));
}

/** To push two tracks. */
export const testPublish: NonNullable<RtspClientOptions["publish"]> = {
  sdp: announced,
  tracks: tracksOf(["streamid=0", "streamid=1"], false),
};

/** Client and server, joined by two wires. */
export class Pair {
  readonly server: ServerBench;
  readonly client: ClientBench;
  /** All that either has sent. */
  readonly clientBytes: Uint8Array[] = [];
  readonly serverBytes: Uint8Array[] = [];
  readonly #random: (() => number) | undefined;

  /** With a `seed`, bytes travel in random pieces. */
  constructor(
    client: Partial<RtspClientOptions> = {},
    server: Partial<RtspServerOptions> = {},
    { seed, decide }: { readonly seed?: number; readonly decide?: Decision } = {},
  ) {
    this.server = new ServerBench(server, decide);
    this.client = new ClientBench(client);
    this.#random = seed === undefined ? undefined : seededRandom(seed);
  }

  /** Carries bytes until nobody has anything to say. */
  exchange(): void {
    for (let isBusy = true; isBusy; ) {
      const up = this.client.takeOutput();
      this.clientBytes.push(up);
      this.server.handle(...this.#pieces(up));
      const down = this.server.takeOutput();
      this.serverBytes.push(down);
      this.client.handle(...this.#pieces(down));
      isBusy = up.length > 0 || down.length > 0;
    }
  }

  advance(ms: number): void {
    for (let left = ms; left > 0; left -= 100) {
      this.server.advance(Math.min(left, 100));
      this.client.advance(Math.min(left, 100));
      this.exchange();
    }
  }

  #pieces(bytes: Uint8Array): Iterable<Uint8Array> {
    if (bytes.length === 0) return [];
    return this.#random === undefined ? [bytes.slice()] : randomPieces(bytes, this.#random);
  }
}
