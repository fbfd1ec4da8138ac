/**
 * The server's side of one RTMP connection: RTMP 1.0 §5 to §7, E-RTMP v2. Sans-I/O: bytes and the time go in; events, bytes
 * and the next deadline come out. The driver drains {@link RtmpServerSession.pollEvent} and
 * {@link RtmpServerSession.pollOutput} after every call.
 *
 * Who may publish or play is not decided here: `publish` and `play` events wait for accept or reject. What a publisher sends
 * meanwhile is kept up to `maxPendingMediaBytes`, and comes as events after {@link RtmpServerSession.acceptPublish} only.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { Fifo } from "../fifo.ts";
import { capsExFlag, ownCapabilities, type RtmpCapabilities } from "./capabilities.ts";
import {
  ERR_RTMP_COMMAND_ORDER,
  ERR_RTMP_COMMAND_TIMEOUT,
  ERR_RTMP_HANDSHAKE_TIMEOUT,
  ERR_RTMP_PING_TIMEOUT,
} from "./errors.ts";
import { ServerHandshake } from "./handshake.ts";
import * as limits from "./limits.ts";
import { defaultWindowBytes, RtmpLink } from "./link.ts";
import { parseAggregate } from "./message/aggregate.ts";
import { quoted } from "./message/argument.ts";
import { type Command, parseCommand } from "./message/command.ts";
import { type Connect, connectResult, parseConnect } from "./message/connect.ts";
import { parseData } from "./message/data.ts";
import type { RtmpMessage } from "./message/message-type.ts";
import { NetStreams, type RtmpApplication } from "./net-streams.ts";
import { PingTimer } from "./ping-timer.ts";
import type { AcceptPlayOptions, RtmpMediaMessage, RtmpServerEvent, RtmpServerOptions } from "./server-events.ts";
import { sendError, sendFcNotice, sendReconnectRequest, sendResult, sendStatus } from "./server-replies.ts";
import { connectCode, type PlayRejection, type PublishRejection, playCode } from "./status.ts";

export class RtmpServerSession {
  readonly #options: RtmpServerOptions;
  /** Undefined when it is over. */
  #handshake: ServerHandshake | undefined;
  readonly #link = new RtmpLink();
  readonly #events = new Fifo<RtmpServerEvent>();
  readonly #streams = new NetStreams(this.#link, this.#events);
  readonly #startedAt: number;

  #state: "handshake" | "connecting" | "connected" | "closed" = "handshake";
  #now: number;
  /** Of `connect`, what its publishes and plays need. */
  #application: RtmpApplication | undefined;
  /** Runs while no stream is published or played. */
  #commandDeadline: number | undefined;
  readonly #ping: PingTimer;
  #lastMediaAt: number | undefined;
  #droppedMessages = 0;
  /** Whether {@link #watchIdleness} has seen what the streams do now. */
  #isWatched = false;

  /** `now` here and everywhere: milliseconds of a monotonic clock. */
  constructor(options: RtmpServerOptions, now: number) {
    this.#options = options;
    this.#handshake = new ServerHandshake(options.crypto);
    this.#link.reader.setPartialLimit(limits.maxPartialBytesBeforePublish);
    this.#startedAt = now;
    this.#now = now;
    this.#ping = new PingTimer(options.pingIntervalMs, options.pingTimeoutMs, now);
  }

  /** What the peer announced in `connect`; undefined before, and for RTMP 1.0 peers. */
  get capabilities(): RtmpCapabilities | undefined {
    return this.#application?.capabilities;
  }

  /** When the last audio or video message of an accepted publish came; undefined before the first. */
  get lastMediaAt(): number | undefined {
    return this.#lastMediaAt;
  }

  /** The peer's last acknowledgement: bytes modulo 2^32. */
  get bytesAcknowledged(): number {
    return this.#link.peerAcknowledgedBytes;
  }

  get bytesReceived(): number {
    return this.#link.receivedBytes;
  }

  /** Media that had no accepted publish to go to: beyond the bound before acceptance, or on a stream that is not published. */
  get droppedMessageCount(): number {
    return this.#droppedMessages;
  }

  /** Takes bytes of the peer; events of media are views of them, and to be drained while they last. The peer's mistakes never throw: they become the "closed" event. */
  handle(bytes: Uint8Array, now: number): void {
    if (this.#state === "closed") return;
    this.#now = now;
    this.#ping.handleReceived(now);
    this.#link.countReceived(bytes.length);
    try {
      this.#read(bytes);
      if (this.#handshake === undefined) this.#link.acknowledge();
      // Media changes nothing here.
      if (!this.#isWatched) this.#watchIdleness();
    } catch (error) {
      this.#fail(error);
    }
  }

  handleTimeout(now: number): void {
    if (this.#state === "closed") return;
    this.#now = now;
    if (this.#state === "handshake") {
      if (now >= this.#handshakeDeadline()) {
        this.#fail(new CodedError(ERR_RTMP_HANDSHAKE_TIMEOUT, "expected the handshake to be complete by now"));
      }
      return;
    }
    const deadline = this.#dueCommand();
    if (deadline !== undefined && now >= deadline) {
      this.#fail(new CodedError(ERR_RTMP_COMMAND_TIMEOUT, "expected the peer to publish or to play by now"));
      return;
    }
    if (this.#state === "connected") this.#handlePingTimeout(now);
  }

  /** The time at which {@link handleTimeout} wants to be called; it may have moved after every other call. */
  nextTimeout(): number | undefined {
    if (this.#state === "closed") return undefined;
    if (this.#state === "handshake") return this.#handshakeDeadline();
    return earlier(this.#dueCommand(), this.#state === "connected" ? this.#ping.deadline : undefined);
  }

  pollEvent(): RtmpServerEvent | undefined {
    return this.#events.shift();
  }

  /** All bytes to send, in one piece, which must not be changed: others may be sent the same. */
  pollOutput(): Uint8Array | undefined {
    return this.#link.pollOutput();
  }

  /**
   * Lets a publisher begin; what it has sent already becomes events. False: it gave up meanwhile, and nothing was published.
   *
   * Every "publish" event is to be answered by one accept or reject, also after an "unpublish" came: until then the message
   * stream can't be used for another one, so that no decision is taken for one about something else. The same holds for "play".
   */
  acceptPublish(messageStreamId: number, now: number): boolean {
    this.#now = now;
    const media = this.#streams.acceptPublish(messageStreamId);
    for (const message of media ?? []) this.#emitMedia(message);
    this.#watchIdleness();
    return media !== undefined;
  }

  rejectPublish(messageStreamId: number, code: PublishRejection, description: string): void {
    this.#streams.rejectPublish(messageStreamId, code, description);
    this.#watchIdleness();
  }

  /** Tells a player that its stream begins; media may be sent after it. False: it gave up meanwhile. */
  acceptPlay(messageStreamId: number, now: number, options: AcceptPlayOptions = {}): boolean {
    this.#now = now;
    const isAccepted = this.#streams.acceptPlay(messageStreamId, options.description, this.#options.replies);
    this.#watchIdleness();
    return isAccepted;
  }

  rejectPlay(messageStreamId: number, code: PlayRejection, description: string): void {
    this.#streams.rejectPlay(messageStreamId, code, description);
    this.#watchIdleness();
  }

  /** Tells a player that its stream has ended; it may play another one within the command timeout. */
  endPlay(messageStreamId: number): void {
    this.#streams.endPlay(messageStreamId);
    this.#watchIdleness();
  }

  /** Sends a message of media to a player: for what does not go through an egress log. */
  sendMedia(messageStreamId: number, typeId: number, timestamp: number, payload: Uint8Array): void {
    if (!this.#streams.isPlaying(messageStreamId)) return;
    this.#link.sendMedia(messageStreamId, typeId, timestamp, payload);
  }

  /** Asks the peer to go to `tcUrl` (or to connect here again). False: the peer did not announce that it can. */
  requestReconnect(request: { readonly tcUrl?: string; readonly description?: string } = {}): boolean {
    if (this.#state !== "connected" || ((this.capabilities?.capsEx ?? 0) & capsExFlag.reconnect) === 0) return false;
    sendReconnectRequest(this.#link, request);
    return true;
  }

  /** Ends the session from our side; with a `reason` the peer is told. */
  close(reason?: string): void {
    if (this.#state === "closed") return;
    if (this.#state === "connected" && reason !== undefined) {
      sendStatus(this.#link, 0, "status", connectCode.closed, reason);
    }
    this.#end(undefined);
  }

  #read(bytes: Uint8Array): void {
    let used = 0;
    if (this.#handshake !== undefined) {
      used = this.#handshake.handle(bytes);
      const reply = this.#handshake.pollOutput();
      if (reply !== undefined) this.#link.sendBytes(reply);
      if (!this.#handshake.isDone) return;
      this.#handshake = undefined;
      this.#state = "connecting";
      if (used === bytes.length) return;
    }
    const { reader } = this.#link;
    reader.handleTime(this.#now);
    reader.handle(used === 0 ? bytes : bytes.subarray(used));
    for (let message = reader.pollMessage(); message !== undefined; message = reader.pollMessage()) {
      this.#handleMessage(message);
    }
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
        this.#handleControl(message);
        break;
      case "command":
        this.#handleCommand(parseCommand(message.typeId, message.payload), message.messageStreamId);
        break;
      case "other":
        break; // shared objects, and types that nobody assigned
    }
  }

  #handleControl(message: RtmpMessage): void {
    const control = this.#link.handleControl(message);
    if (control?.event !== "set-buffer-length" || this.#state !== "connected") return;
    const { messageStreamId, bufferLengthMs } = control;
    this.#events.push({ type: "bufferLength", messageStreamId, bufferLengthMs });
  }

  #handleMedia(message: RtmpMediaMessage): void {
    const stream = this.#streams.findPublished(message.messageStreamId);
    // Some encoders begin with empty messages; they carry nothing, not even a header.
    if (stream === undefined || message.payload.length === 0) {
      this.#droppedMessages += 1;
    } else if (stream.state === "publishing") {
      this.#emitMedia(stream.id === message.messageStreamId ? message : { ...message, messageStreamId: stream.id });
    } else if (!stream.keep({ ...message, messageStreamId: stream.id })) {
      this.#droppedMessages += 1;
    }
  }

  #emitMedia(message: RtmpMediaMessage): void {
    if (message.type !== "data") this.#lastMediaAt = this.#now;
    this.#events.push(message);
  }

  /** The state machine: what each command does. Names that nobody knows get `_error`, never a close. */
  #handleCommand(command: Command, messageStreamId: number): void {
    this.#isWatched = false;
    const { name, transactionId } = command;
    if (name === "connect") {
      this.#handleConnect(command);
      return;
    }
    if (this.#state !== "connected") {
      throw new CodedError(ERR_RTMP_COMMAND_ORDER, `expected connect as the first command, got ${quoted(name)}`);
    }
    switch (name) {
      case "createStream":
        this.#streams.create(transactionId);
        break;
      case "publish":
        this.#streams.publish(command, messageStreamId, this.#application as RtmpApplication);
        break;
      case "play":
        this.#streams.play(command, messageStreamId, this.#application as RtmpApplication);
        break;
      case "play2":
        sendError(this.#link, messageStreamId, transactionId, playCode.failed, "Switching streams is not supported.");
        break;
      case "pause":
        this.#streams.pause(command, messageStreamId);
        break;
      case "seek":
        sendStatus(this.#link, messageStreamId, "error", playCode.seekFailed, "A live stream has no other position.");
        break;
      case "receiveAudio":
      case "receiveVideo":
        this.#streams.receive(command, messageStreamId);
        break;
      case "deleteStream":
        this.#streams.delete(command, messageStreamId);
        break;
      case "closeStream":
        this.#streams.close(messageStreamId);
        break;
      case "FCPublish":
        this.#streams.usesFcPublish = true;
        sendResult(this.#link, messageStreamId, transactionId);
        break;
      case "FCUnpublish":
        this.#streams.unpublish(command);
        sendResult(this.#link, messageStreamId, transactionId);
        break;
      case "FCSubscribe":
        sendFcNotice(this.#link, "onFCSubscribe", playCode.start, "Subscribed.");
        sendResult(this.#link, messageStreamId, transactionId);
        break;
      case "releaseStream":
      case "FCUnsubscribe":
      case "_checkbw":
        sendResult(this.#link, messageStreamId, transactionId);
        break;
      case "getStreamLength":
        sendResult(this.#link, messageStreamId, transactionId, 0); // live has none
        break;
      case "_result":
      case "_error":
      case "onStatus":
        break; // answers to what we never ask
      default:
        if (transactionId === 0) break;
        sendError(
          this.#link,
          messageStreamId,
          transactionId,
          connectCode.callFailed,
          `Unknown command ${quoted(name)}.`,
        );
        break;
    }
  }

  #handleConnect(command: Command): void {
    if (this.#state === "connected") throw new CodedError(ERR_RTMP_COMMAND_ORDER, "expected only one connect");
    let connect: Connect;
    try {
      connect = parseConnect(command);
    } catch (error) {
      if (error instanceof CodedError) {
        sendError(this.#link, 0, command.transactionId, connectCode.rejected, error.message);
      }
      throw error;
    }
    const { app, query, capabilities } = connect;
    this.#application = { app, query, capabilities };
    this.#state = "connected";
    this.#link.sendWindow(defaultWindowBytes);
    this.#link.sendPeerBandwidth({ windowBytes: defaultWindowBytes, limitType: "dynamic" });
    this.#link.sendChunkSize(this.#options.chunkSize);
    const own = capabilities === undefined ? undefined : (this.#options.capabilities ?? ownCapabilities);
    const { transactionId } = command;
    const { objectEncoding } = connect;
    this.#link.sendAlike(this.#options.replies, `connect ${transactionId} ${objectEncoding} ${own !== undefined}`, () =>
      this.#link.sendCommand(0, "_result", transactionId, ...connectResult(objectEncoding, own)),
    );
    this.#events.push({ type: "connect", ...connect });
  }

  #handshakeDeadline(): number {
    return this.#startedAt + (this.#options.handshakeTimeoutMs ?? limits.handshakeTimeoutMs);
  }

  /** The peer does not answer for the time that we take to decide. */
  #dueCommand(): number | undefined {
    return this.#streams.isAnyPending ? undefined : this.#commandDeadline;
  }

  /** Starts or stops the deadline for doing anything, and the bound on memory, with what the streams do now. */
  #watchIdleness(): void {
    if (this.#state !== "connecting" && this.#state !== "connected") return;
    this.#isWatched = true;
    // A refusal buys no time: whoever is refused again and again has the same ten seconds as one who says nothing.
    if (this.#streams.isAnyAccepted) this.#commandDeadline = undefined;
    else this.#commandDeadline ??= this.#now + (this.#options.commandTimeoutMs ?? limits.commandTimeoutMs);
    const { isAnyPublishing } = this.#streams;
    this.#link.reader.sharesMemory = isAnyPublishing;
    this.#link.reader.setPartialLimit(isAnyPublishing ? limits.maxPartialBytes : limits.maxPartialBytesBeforePublish);
  }

  #handlePingTimeout(now: number): void {
    switch (this.#ping.handleTimeout(now)) {
      case "send":
        this.#link.sendUserControl({ event: "ping-request", timestamp: (now - this.#startedAt) % 0x1_0000_0000 });
        break;
      case "dead":
        this.#fail(
          new CodedError(
            ERR_RTMP_PING_TIMEOUT,
            `expected an answer to ping, nothing came for ${this.#options.pingTimeoutMs} ms`,
          ),
        );
        break;
      case undefined:
        break;
    }
  }

  #fail(error: unknown): void {
    if (!(error instanceof CodedError)) throw error; // our own bug: the driver's boundary discards the session
    this.#end(error);
  }

  #end(error: CodedError | undefined): void {
    this.#streams.stopAll();
    this.#state = "closed";
    this.#handshake = undefined;
    this.#events.push(error === undefined ? { type: "closed" } : { type: "closed", error });
  }
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined || a < b ? a : b;
}
