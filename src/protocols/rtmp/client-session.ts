/**
 * The client's side of one RTMP connection, to publish or to play one stream: for pulls, forwards, the load generator and tests.
 * Sans-I/O as the server's session (session.ts): drain {@link RtmpClientSession.pollEvent} and
 * {@link RtmpClientSession.pollOutput} after every call, also after the constructor.
 *
 * RTMP 1.0 §7.2, E-RTMP v2. The order of commands is FFmpeg's and OBS's, which every server knows.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { type AmfObject, type AmfValue, amfObject, amfString, makeAmfObject } from "../../formats/amf/amf-value.ts";
import { Fifo } from "../fifo.ts";
import { capabilityFields, parseCapabilities, type RtmpCapabilities } from "./capabilities.ts";
import type { RtmpClientEvent, RtmpClientOptions } from "./client-events.ts";
import { ERR_RTMP_COMMAND_TIMEOUT, ERR_RTMP_HANDSHAKE_TIMEOUT, ERR_RTMP_REFUSED } from "./errors.ts";
import { ClientHandshake, type HandshakeKind } from "./handshake.ts";
import * as limits from "./limits.ts";
import { defaultWindowBytes, RtmpLink } from "./link.ts";
import { parseAggregate } from "./message/aggregate.ts";
import { quoted } from "./message/argument.ts";
import { type Command, parseCommand } from "./message/command.ts";
import { parseData } from "./message/data.ts";
import type { RtmpMessage } from "./message/message-type.ts";
import type { RtmpMediaMessage } from "./server-events.ts";
import { connectCode, playCode, publishCode } from "./status.ts";
import { parseRtmpUrl, type RtmpUrl } from "./url.ts";

export class RtmpClientSession {
  readonly #options: RtmpClientOptions;
  readonly #url: Pick<RtmpUrl, "app" | "name" | "query" | "tcUrl">;
  readonly #handshake: ClientHandshake;
  readonly #link = new RtmpLink();
  readonly #events = new Fifo<RtmpClientEvent>();

  #state: "handshake" | "connecting" | "creating" | "starting" | "ready" | "closed" = "handshake";
  /** Of the handshake, then of everything up to "ready". */
  #deadline: number | undefined;
  #messageStreamId = 0;
  #serverCapabilities: RtmpCapabilities | undefined;

  /** Errors: ERR_RTMP_URL. `now` here and everywhere: milliseconds of a monotonic clock. */
  constructor(options: RtmpClientOptions, now: number) {
    this.#options = options;
    this.#url = typeof options.url === "string" ? parseRtmpUrl(options.url) : options.url;
    this.#handshake = new ClientHandshake(options.crypto, options.digestScheme);
    this.#deadline = now + (options.handshakeTimeoutMs ?? limits.handshakeTimeoutMs);
    this.#takeHandshakeOutput();
  }

  /** Whether media may be sent, or comes. */
  get isReady(): boolean {
    return this.#state === "ready";
  }

  get handshakeKind(): HandshakeKind | undefined {
    return this.#handshake.kind;
  }

  /** What the server said in its answer to `connect`; undefined before, and for RTMP 1.0 servers. */
  get serverCapabilities(): RtmpCapabilities | undefined {
    return this.#serverCapabilities;
  }

  /** The server's last acknowledgement: bytes modulo 2^32. */
  get bytesAcknowledged(): number {
    return this.#link.peerAcknowledgedBytes;
  }

  /** Takes bytes of the server; they are not kept. Its mistakes never throw: they become the "closed" event. */
  handle(bytes: Uint8Array, now: number): void {
    if (this.#state === "closed") return;
    this.#link.countReceived(bytes.length);
    try {
      this.#read(bytes, now);
      if (this.#handshake.isDone) this.#link.acknowledge();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error; // our own bug: the driver's boundary discards the session
      this.#end(error);
    }
  }

  handleTimeout(now: number): void {
    if (this.#deadline === undefined || now < this.#deadline) return;
    if (this.#state === "handshake") {
      this.#end(new CodedError(ERR_RTMP_HANDSHAKE_TIMEOUT, "expected the handshake to be complete by now"));
    } else {
      const what = this.#options.role === "publish" ? "publish" : "play";
      this.#end(new CodedError(ERR_RTMP_COMMAND_TIMEOUT, `expected the server to let us ${what} by now`));
    }
  }

  /** The time at which {@link handleTimeout} wants to be called. */
  nextTimeout(): number | undefined {
    return this.#deadline;
  }

  pollEvent(): RtmpClientEvent | undefined {
    return this.#events.shift();
  }

  /** All bytes to send, in one piece with memory of its own. */
  pollOutput(): Uint8Array | undefined {
    return this.#link.pollOutput();
  }

  /** Publishers, after "ready": a message of audio (8), video (9) or data (18). `timestamp`: ms, below 2^32. Copies `payload`. */
  sendMedia(typeId: number, timestamp: number, payload: Uint8Array): void {
    if (this.#state === "ready") this.#link.sendMedia(this.#messageStreamId, typeId, timestamp, payload);
  }

  /** Players: pauses or goes on. */
  pause(isPaused: boolean): void {
    if (this.#state === "ready") this.#link.sendCommand(this.#messageStreamId, "pause", 0, null, isPaused, 0);
  }

  /** Ends the stream in order, and the session with it. */
  close(): void {
    if (this.#state === "closed") return;
    if (this.#messageStreamId !== 0) {
      if (this.#options.role === "publish") {
        this.#link.sendCommand(0, "FCUnpublish", transaction.unpublish, null, this.#streamName());
      }
      this.#link.sendCommand(0, "deleteStream", 0, null, this.#messageStreamId);
    }
    this.#end(undefined);
  }

  #read(bytes: Uint8Array, now: number): void {
    let used = 0;
    if (this.#state === "handshake") {
      used = this.#handshake.handle(bytes);
      this.#takeHandshakeOutput();
      if (!this.#handshake.isDone) return;
      this.#connect(now);
      if (used === bytes.length) return;
    }
    const { reader } = this.#link;
    reader.handleTime(now);
    reader.handle(used === 0 ? bytes : bytes.subarray(used));
    for (let message = reader.pollMessage(); message !== undefined; message = reader.pollMessage()) {
      this.#handleMessage(message);
      if (this.#isClosed()) return;
    }
  }

  #connect(now: number): void {
    const { role, chunkSize, capabilities, flashVersion } = this.#options;
    this.#state = "connecting";
    this.#deadline = now + (this.#options.commandTimeoutMs ?? limits.commandTimeoutMs);
    const fields: Record<string, AmfValue> = {
      app: this.#url.app,
      ...(role === "publish" ? { type: "nonprivate" } : {}),
      flashVer: flashVersion ?? (role === "publish" ? publisherFlashVersion : playerFlashVersion),
      tcUrl: this.#url.tcUrl,
      ...(role === "play"
        ? { fpad: false, capabilities: 15, audioCodecs: 4071, videoCodecs: 252, videoFunction: 1 }
        : {}),
      ...(capabilities === undefined ? {} : capabilityFields(capabilities)),
    };
    // Before connect, which is longer than the 128 bytes of a default chunk.
    if (chunkSize !== undefined) this.#link.sendChunkSize(chunkSize);
    this.#link.sendCommand(0, "connect", transaction.connect, makeAmfObject(fields));
  }

  #handleMessage(message: RtmpMessage): void {
    switch (message.type) {
      case "audio":
      case "video":
        this.#handleMedia(message as RtmpMediaMessage);
        break;
      case "data":
        this.#handleMedia({ ...message, type: "data", payload: parseData(message.typeId, message.payload) });
        break;
      case "aggregate":
        for (const part of parseAggregate(message)) this.#handleMessage(part);
        break;
      case "control":
        this.#link.handleControl(message);
        break;
      case "command":
        this.#handleCommand(parseCommand(message.typeId, message.payload));
        break;
      case "other":
        break;
    }
  }

  #handleMedia(message: RtmpMediaMessage): void {
    // Servers differ in whether the first media comes before or after Play.Start, so anything after `play` counts.
    const isExpected = this.#state === "ready" || this.#state === "starting";
    if (isExpected && this.#options.role === "play" && message.payload.length > 0) this.#events.push(message);
  }

  /** The state machine. */
  #handleCommand(command: Command): void {
    switch (command.name) {
      case "_result":
        this.#handleResult(command);
        break;
      case "_error":
        this.#handleError(command);
        break;
      case "onStatus":
        this.#handleStatus(amfObject(command.arguments[0]));
        break;
      default:
        break; // onBWDone, onFCPublish, onFCSubscribe, …: nothing to do
    }
  }

  #handleResult(command: Command): void {
    if (command.transactionId === transaction.connect && this.#state === "connecting") {
      const information = amfObject(command.arguments[0]);
      this.#serverCapabilities = information === undefined ? undefined : parseCapabilities(information);
      this.#createStream();
    } else if (command.transactionId === transaction.createStream && this.#state === "creating") {
      const id = command.arguments[0];
      // Some servers answer without a number, and mean the first stream.
      this.#messageStreamId = typeof id === "number" && id >= 0 && id <= 0xffff_ffff ? Math.floor(id) : 1;
      this.#start();
    }
  }

  #createStream(): void {
    this.#state = "creating";
    this.#link.sendWindow(defaultWindowBytes);
    if (this.#options.role === "publish") {
      this.#link.sendCommand(0, "releaseStream", transaction.releaseStream, null, this.#streamName());
      this.#link.sendCommand(0, "FCPublish", transaction.fcPublish, null, this.#streamName());
    }
    this.#link.sendCommand(0, "createStream", transaction.createStream, null);
  }

  #start(): void {
    const id = this.#messageStreamId;
    this.#state = "starting";
    if (this.#options.role === "publish") {
      this.#link.sendCommand(id, "publish", transaction.start, null, this.#streamName(), "live");
      return;
    }
    const bufferLengthMs = this.#options.bufferLengthMs ?? defaultBufferLengthMs;
    this.#link.sendCommand(id, "play", transaction.start, null, this.#streamName(), liveOnly);
    this.#link.sendUserControl({ event: "set-buffer-length", messageStreamId: id, bufferLengthMs });
  }

  #handleError(command: Command): void {
    // releaseStream and FCPublish are courtesies: many servers do not know them.
    const { transactionId } = command;
    if (transactionId === transaction.releaseStream || transactionId === transaction.fcPublish) return;
    const { code, description } = statusOf(amfObject(command.arguments[0]));
    throw new CodedError(ERR_RTMP_REFUSED, `the server refused: ${words(code, description)}`);
  }

  #handleStatus(information: AmfObject | undefined): void {
    const { code, level, description } = statusOf(information);
    this.#events.push({ type: "status", code, level, description });
    if (code === connectCode.reconnectRequest) {
      const tcUrl = amfString(information?.fields.get("tcUrl"));
      this.#events.push({ type: "reconnectRequest", tcUrl, description });
    } else if (level === "error" && this.#state !== "closed") {
      throw new CodedError(ERR_RTMP_REFUSED, `the server refused: ${words(code, description)}`);
    } else if (code === connectCode.closed) {
      this.#end(new CodedError(ERR_RTMP_REFUSED, `the server closed the connection: ${words(code, description)}`));
    } else if (this.#state === "starting" && (code === publishCode.start || code === playCode.start)) {
      this.#state = "ready";
      this.#deadline = undefined;
      this.#events.push({ type: "ready", messageStreamId: this.#messageStreamId });
    }
  }

  #takeHandshakeOutput(): void {
    const output = this.#handshake.pollOutput();
    if (output !== undefined) this.#link.sendBytes(output);
  }

  #streamName(): string {
    const { name, query } = this.#url;
    return query === "" ? name : `${name}?${query}`;
  }

  #isClosed(): boolean {
    return this.#state === "closed";
  }

  #end(error: CodedError | undefined): void {
    this.#state = "closed";
    this.#deadline = undefined;
    this.#events.push(error === undefined ? { type: "closed" } : { type: "closed", error });
  }
}

function statusOf(information: AmfObject | undefined): { code: string; level: string; description: string } {
  const text = (key: string): string => amfString(information?.fields.get(key)) ?? "";
  return { code: text("code"), level: text("level"), description: text("description") };
}

function words(code: string, description: string): string {
  if (code === "") return "without a reason";
  return description === "" ? quoted(code) : `${quoted(code)}, ${JSON.stringify(description.slice(0, 200))}`;
}

/** Fixed, because each command is sent once. */
const transaction = { connect: 1, releaseStream: 2, fcPublish: 3, createStream: 4, start: 5, unpublish: 6 } as const;

/** Servers take these two for an encoder and for a player that may do everything. */
const publisherFlashVersion = "FMLE/3.0 (compatible; Millrace)";
const playerFlashVersion = "LNX 9,0,124,2";

/** The start position of `play` that means "live or nothing", in the milliseconds that FFmpeg and librtmp send. */
const liveOnly = -1000;

/** Flash Media Server sends faster than real time while it thinks that the buffer is not full. */
const defaultBufferLengthMs = 1_000;
