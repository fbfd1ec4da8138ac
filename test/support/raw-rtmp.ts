/** An RTMP peer that sends what it is told to, byte by byte: for input that no client session would make. */

import { connect, type Socket } from "node:net";
import { type AmfValue, amfObject, amfString, makeAmfObject } from "../../src/formats/amf/amf-value.ts";
import { ChunkReader } from "../../src/protocols/rtmp/chunk-reader.ts";
import { chunkStreamId, writeMessage } from "../../src/protocols/rtmp/chunk-writer.ts";
import { type Command, parseCommand, writeCommand } from "../../src/protocols/rtmp/message/command.ts";
import { messageTypeId } from "../../src/protocols/rtmp/message/message-type.ts";

export class RawRtmp implements Disposable {
  /** All commands of the server, in order. */
  readonly commands: Command[] = [];
  /** Resolves when the socket is closed, to how long it was open, in milliseconds. */
  readonly closed: Promise<number>;
  readonly #socket: Socket;
  readonly #reader = new ChunkReader();
  readonly #open = Promise.withResolvers<void>();
  readonly #shaken = Promise.withResolvers<void>();
  readonly #listeners = new Set<() => void>();
  #handshakeBytes = 0;
  #isClosed = false;

  constructor(port: number, localAddress?: string) {
    const openedAtMs = performance.now();
    this.#socket = connect({ host: "127.0.0.1", port, noDelay: true, ...(localAddress ? { localAddress } : {}) });
    this.#socket.on("connect", () => this.#open.resolve());
    this.#socket.on("data", (bytes: Uint8Array) => this.#take(bytes));
    this.#socket.on("error", () => {}); // 'close' follows
    this.closed = new Promise((resolve) => {
      this.#socket.on("close", () => {
        this.#isClosed = true;
        for (const listener of this.#listeners) listener();
        const error = new Error("the connection was closed");
        this.#open.reject(error);
        this.#shaken.reject(error);
        resolve(performance.now() - openedAtMs);
      });
    });
    for (const { promise } of [this.#open, this.#shaken]) promise.catch(() => {}); // who does not ask is not told
  }

  /** Connected, and the handshake done. */
  static async shaken(port: number, localAddress?: string): Promise<RawRtmp> {
    const peer = new RawRtmp(port, localAddress);
    peer.write(Uint8Array.of(3), new Uint8Array(blockLength));
    await peer.#shaken.promise;
    peer.write(new Uint8Array(blockLength));
    return peer;
  }

  /** The same, and `connect` answered. */
  static async connected(port: number, app = "live", localAddress?: string): Promise<RawRtmp> {
    const peer = await RawRtmp.shaken(port, localAddress);
    peer.command(0, "connect", 1, makeAmfObject({ app, tcUrl: `rtmp://127.0.0.1/${app}` }));
    await peer.answer("_result");
    return peer;
  }

  /** The same, and a message stream made: number 1. */
  static async withStream(port: number, app = "live", localAddress?: string): Promise<RawRtmp> {
    const peer = await RawRtmp.connected(port, app, localAddress);
    peer.commands.length = 0;
    peer.command(0, "createStream", 2, null);
    await peer.answer("_result");
    return peer;
  }

  /** The same, and a stream published. */
  static async publishing(port: number, name: string): Promise<RawRtmp> {
    const [app, ...rest] = name.split("/");
    const peer = await RawRtmp.withStream(port, app);
    peer.command(1, "publish", 3, null, rest.join("/"), "live");
    await peer.status("NetStream.Publish.Start");
    return peer;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Codes of all onStatus, in order. */
  get statuses(): string[] {
    return this.#information("code");
  }

  get descriptions(): string[] {
    return this.#information("description");
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  /** Resolves when TCP is connected. */
  opened(): Promise<void> {
    return this.#open.promise;
  }

  write(...pieces: Uint8Array[]): void {
    for (const piece of pieces) if (!this.#isClosed) this.#socket.write(piece);
  }

  /** Resolves when the kernel has taken everything, or the connection is closed. */
  async written(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.write(new Uint8Array(0), () => resolve());
    await Promise.race([promise, this.closed]);
  }

  /** A whole message in chunks of the default size. */
  message(typeId: number, messageStreamId: number, payload: Uint8Array, chunkSize = 128): void {
    this.write(writeMessage(chunkStreamId.command, 0, typeId, messageStreamId, payload, chunkSize));
  }

  command(messageStreamId: number, name: string, transactionId: number, ...values: readonly AmfValue[]): void {
    const [commandObject = null, ...rest] = values;
    const payload = writeCommand({ name, transactionId, commandObject, arguments: rest });
    this.message(messageTypeId.commandAmf0, messageStreamId, payload);
  }

  /** Stops reading: what the server sends stays where it is. */
  stopReading(): void {
    this.#socket.pause();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  answer(name: string): Promise<Command> {
    return this.#until(`the server's ${name}`, () => this.commands.find((command) => command.name === name));
  }

  async status(code: string): Promise<void> {
    await this.#until(code, () => this.statuses.includes(code) || undefined);
  }

  /** Waits for as many onStatus as that. */
  async statusCount(count: number): Promise<void> {
    await this.#until(`status ${count}`, () => this.statuses.length >= count || undefined);
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Asks `probe` whenever something has come, until it answers. */
  #until<T>(what: string, probe: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => finish(`waited for ${what}`), answerTimeoutMs);
      const finish = (failure: string): void => {
        clearTimeout(timer);
        this.#listeners.delete(ask);
        reject(new Error(`${failure}, got ${this.statuses.join(" ")}`));
      };
      const ask = (): void => {
        const found = probe();
        if (found !== undefined) resolve(found);
        if (found !== undefined || this.#isClosed) finish(`closed before ${what}`);
      };
      this.#listeners.add(ask);
      ask();
    });
  }

  #information(key: string): string[] {
    return this.commands
      .filter(({ name }) => name === "onStatus")
      .map((command) => amfString(amfObject(command.arguments[0])?.fields.get(key)) ?? "");
  }

  #take(bytes: Uint8Array): void {
    const skipped = Math.min(bytes.length, 1 + 2 * blockLength - this.#handshakeBytes);
    this.#handshakeBytes += skipped;
    if (this.#handshakeBytes === 1 + 2 * blockLength) this.#shaken.resolve();
    if (skipped === bytes.length) return;
    this.#reader.handle(bytes.subarray(skipped));
    for (let message = this.#reader.pollMessage(); message !== undefined; message = this.#reader.pollMessage()) {
      if (message.type === "command") this.commands.push(parseCommand(message.typeId, message.payload));
    }
    for (const listener of this.#listeners) listener();
  }
}

/** C1, C2, S1, S2: RTMP 1.0 §5.2.3. */
const blockLength = 1536;

const answerTimeoutMs = 10_000;
