/**
 * The server's side of one RTSP connection: RFC 2326, with what RFC 7826 made clearer. Sans-I/O: bytes and the time go in;
 * events, bytes and the next deadline come out. The driver drains {@link RtspServerSession.pollEvent} and
 * {@link RtspServerSession.pollOutput} after every call.
 *
 * A connection has one session at a time, and a session ends with its connection, over UDP too: nobody else can know its id.
 * Who may play or publish is not decided here: events with a `requestId` wait for accept or reject, and so do all requests
 * behind them, so that answers keep the order of their requests.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { Fifo } from "../fifo.ts";
import { writeHex } from "./digest.ts";
import * as errors from "./errors.ts";
import { type InterleavedFrame, writeInterleaved } from "./interleaved.ts";
import * as limits from "./limits.ts";
import type { RtspHeader } from "./message/headers.ts";
import type { RtspMessage, RtspRequest } from "./message/message.ts";
import { parseTransports, writeTransport } from "./message/transport.ts";
import { RtspMessageReader } from "./message-reader.ts";
import { MessageTimer } from "./message-timer.ts";
import { OutputQueue } from "./output-queue.ts";
import { findScope, findTrack, type Presentation, presentationTarget, trackControls } from "./presentation.ts";
import { RequestQueue } from "./request-queue.ts";
import { ServerCredentials } from "./server-credentials.ts";
import type { FirstPacket, RtspServerEvent, RtspServerOptions, SetupAnswer } from "./server-events.ts";
import {
  cseqOf,
  descriptionHeaders,
  liveRange,
  rtpInfoOf,
  serverMethods,
  writeAnswer,
  writeBrokenAnswer,
} from "./server-replies.ts";
import { SessionState } from "./session-state.ts";
import { type RtspRejection, type RtspStatus, status } from "./status.ts";
import { answerTransport, type ChosenTransport, type SetUpTrack } from "./track-table.ts";
import { parseRequestTarget, type RequestTarget } from "./url.ts";

/** The request that waits for the driver. */
type Pending = { readonly requestId: number; readonly request: RtspRequest } & (
  | { readonly kind: "describe" | "announce"; readonly target: RequestTarget }
  | {
      readonly kind: "setup";
      readonly presentation: Presentation;
      readonly trackIndex: number;
      readonly chosen: ChosenTransport;
    }
  | { readonly kind: "play" | "record" }
);

export class RtspServerSession {
  readonly #options: RtspServerOptions;
  readonly #reader = new RtspMessageReader({ isLenient: false });
  readonly #events = new Fifo<RtspServerEvent>();
  readonly #output = new OutputQueue();
  readonly #waiting = new RequestQueue();
  readonly #credentials: ServerCredentials;
  readonly #messageTimer: MessageTimer;

  #now: number;
  #isClosed = false;
  #pending: Pending | undefined;
  /** What came was no message: nothing more is read. */
  #broken: CodedError | undefined;
  #requestCount = 0;
  /** The last description that was given. */
  #described: Presentation | undefined;
  #session = new SessionState();
  #lastActivityAt: number;
  #droppedFrames = 0;

  /** `now` here and everywhere: milliseconds of a monotonic clock. */
  constructor(options: RtspServerOptions, now: number) {
    this.#options = options;
    this.#now = now;
    this.#lastActivityAt = now;
    this.#messageTimer = new MessageTimer(options.messageTimeoutMs ?? limits.messageTimeoutMs);
    this.#credentials = new ServerCredentials(options.crypto, options.isTls, options.realm ?? "Millrace");
  }

  /** The tracks that are set up, in order. */
  get tracks(): readonly SetUpTrack[] {
    return this.#session.tracks.tracks;
  }

  /** Interleaved frames on channels that were never set up, or at a time when nobody wants them. */
  get droppedFrameCount(): number {
    return this.#droppedFrames;
  }

  /** Takes bytes of the peer; they are lent until the events are drained. The peer's mistakes never throw: they become "closed". */
  handle(bytes: Uint8Array, now: number): void {
    if (this.#isClosed || this.#broken !== undefined) return;
    this.#now = now;
    try {
      this.#reader.handle(bytes);
      for (let item = this.#poll(); item !== undefined; item = this.#poll()) {
        if (item.kind === "interleaved") this.#handleFrame(item);
        else if (item.kind === "request") this.#enqueue(item);
      }
      this.#messageTimer.handleInput(this.#reader, now);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A player or publisher has shown over UDP that it is there: RTCP or RTP from its address. */
  handleUdpActivity(now: number): void {
    this.#now = now;
    this.#lastActivityAt = now;
  }

  handleTimeout(now: number): void {
    const deadline = this.nextTimeout();
    this.#now = now;
    if (deadline === undefined || now < deadline) return;
    const what = this.#messageTimer.deadline === deadline ? "the rest of a message" : "a request or a sign of life";
    this.#end(new CodedError(errors.ERR_RTSP_TIMEOUT, `expected ${what} by now`));
  }

  /** The time at which {@link handleTimeout} wants to be called; it may have moved after every other call. */
  nextTimeout(): number | undefined {
    if (this.#isClosed) return undefined;
    const rest = this.#messageTimer.deadline;
    // The peer does not answer for the time that we take to decide; and who plays over TCP is alive as long as it reads.
    const isExempt =
      this.#pending !== undefined ||
      (this.#session.phase === "playing" && this.#session.tracks.transportKind === "tcp");
    if (isExempt) return rest;
    const idle = this.#lastActivityAt + this.#sessionTimeoutMs();
    return rest === undefined ? idle : Math.min(rest, idle);
  }

  pollEvent(): RtspServerEvent | undefined {
    return this.#events.shift();
  }

  /** All bytes to send, in one piece with memory of its own. */
  pollOutput(): Uint8Array | undefined {
    return this.#output.poll();
  }

  /** Answers "describe". `sdp` has {@link trackControls} for each of its `trackCount` tracks. False: nobody waits any more. */
  acceptDescribe(
    requestId: number,
    answer: { readonly sdp: string; readonly trackCount: number },
    now: number,
  ): boolean {
    const pending = this.#take(requestId, "describe", now);
    if (pending === undefined) return false;
    const controls = trackControls(answer.trackCount);
    this.#described = { role: "play", target: pending.target, controls };
    const { request } = pending;
    this.#resume(() => {
      if (request.method === "SETUP") this.#handleRequest(request);
      else this.#answer(request, status.ok, descriptionHeaders(request), new TextEncoder().encode(answer.sdp));
    });
    return true;
  }

  /** Answers "announce". `controls`: `a=control` of each track, as it stands there. */
  acceptAnnounce(
    requestId: number,
    answer: { readonly controls: readonly (string | undefined)[] },
    now: number,
  ): boolean {
    const pending = this.#take(requestId, "announce", now);
    if (pending === undefined) return false;
    const { controls } = answer;
    this.#session.presentation = {
      role: "record",
      target: pending.target,
      controls: controls.slice(0, limits.maxTracks),
    };
    this.#resume(() => this.#answer(pending.request, status.ok));
    return true;
  }

  /** Answers "setup". */
  acceptSetup(requestId: number, answer: SetupAnswer, now: number): boolean {
    const pending = this.#take(requestId, "setup", now);
    if (pending === undefined) return false;
    const { request, presentation, trackIndex } = pending;
    const chosen = this.#session.tracks.withChannels(pending.chosen, answer.channels);
    this.#session.presentation = presentation;
    this.#session.tracks.add({ trackIndex, url: request.url, transport: chosen.transport });
    this.#session.id ??= writeHex(this.#options.crypto.randomBytes(sessionIdLength));
    const transport = answerTransport(chosen, presentation.role, answer);
    this.#resume(() => this.#answer(request, status.ok, [["Transport", writeTransport(transport)]]));
    return true;
  }

  /** Answers "play": packets may be sent once the output has been taken. */
  acceptPlay(requestId: number, firstPackets: readonly FirstPacket[], now: number): boolean {
    const pending = this.#take(requestId, "play", now);
    if (pending === undefined) return false;
    this.#session.phase = "playing";
    const { request } = pending;
    const rtpInfo = rtpInfoOf(firstPackets, this.#session.tracks.tracks);
    this.#resume(() => this.#answer(request, status.ok, [liveRange(request), ...rtpInfo]));
    return true;
  }

  /** Answers "record": packets of the publisher are events from now on. */
  acceptRecord(requestId: number, now: number): boolean {
    const pending = this.#take(requestId, "record", now);
    if (pending === undefined) return false;
    this.#session.phase = "recording";
    const { request } = pending;
    this.#resume(() => this.#answer(request, status.ok, [liveRange(request)]));
    return true;
  }

  /** Refuses what waits; 401 asks for credentials. False: nobody waits any more. */
  reject(requestId: number, code: RtspRejection, now: number): boolean {
    const pending = this.#take(requestId, undefined, now);
    if (pending === undefined) return false;
    const { request } = pending;
    this.#resume(() => {
      if (code === status.unauthorized) this.#askCredentials(request, false);
      else this.#answer(request, code);
    });
    return true;
  }

  /** Sends a packet on a track's channel: for what does not go through an egress log. Copies it. */
  sendInterleaved(trackIndex: number, kind: "rtp" | "rtcp", packet: Uint8Array): void {
    const track = this.#session.tracks.tracks.find((each) => each.trackIndex === trackIndex);
    if (this.#isClosed || track?.transport.kind !== "tcp") return;
    this.#output.push(writeInterleaved(track.transport.channels[kind === "rtp" ? 0 : 1], packet));
  }

  /** Ends the session from our side. RTSP 1.0 has no way to say why. */
  close(): void {
    this.#end(undefined);
  }

  #sessionTimeoutMs(): number {
    return this.#session.tracks.transportKind === "udp"
      ? (this.#options.udpSessionTimeoutMs ?? limits.udpSessionTimeoutMs)
      : (this.#options.sessionTimeoutMs ?? limits.sessionTimeoutMs);
  }

  #poll(): RtspMessage | InterleavedFrame | undefined {
    try {
      return this.#reader.poll();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#broken = error;
      this.#endBroken();
      return undefined;
    }
  }

  /** After the answers to what came before it, the last words to what was no message. */
  #endBroken(): void {
    if (this.#broken === undefined || this.#pending !== undefined) return;
    this.#output.push(writeBrokenAnswer(this.#broken, this.#reader.failedHead));
    this.#end(this.#broken);
  }

  #handleFrame({ channel, data }: InterleavedFrame): void {
    const found = this.#session.tracks.findChannel(channel);
    const kind = found % 2 === 0 ? "rtp" : "rtcp";
    if (found < 0 || data.length === 0 || !this.#session.wants(kind)) {
      this.#droppedFrames += 1;
      return;
    }
    this.#lastActivityAt = this.#now;
    this.#events.push({ type: "media", trackIndex: found >>> 1, kind, data });
  }

  #enqueue(request: RtspRequest): void {
    this.#lastActivityAt = this.#now;
    if (this.#pending === undefined) this.#handleRequest(request);
    else this.#waiting.push(request);
  }

  /** After a decision: `answer`, and then what has waited, up to the next request that waits itself. */
  #resume(answer: () => void): void {
    try {
      answer();
      while (this.#pending === undefined) {
        const request = this.#waiting.shift();
        if (request === undefined) break;
        this.#handleRequest(request);
      }
      this.#endBroken();
    } catch (error) {
      this.#fail(error);
    }
  }

  #handleRequest(request: RtspRequest): void {
    const { headers } = request;
    if (cseqOf(request).length === 0) {
      this.#answer(request, status.badRequest);
      return;
    }
    const options = [...headers.getAll("require"), ...headers.getAll("proxy-require")];
    if (options.length > 0) {
      this.#answer(request, status.optionNotSupported, [["Unsupported", options.join(", ")]]);
      return;
    }
    try {
      this.#dispatch(request);
    } catch (error) {
      if (!(error instanceof CodedError) || error.code === errors.ERR_RTSP_CREDENTIALS) throw error;
      this.#answer(request, status.badRequest); // a header or address that can't be read costs only its request
    }
  }

  /** The state machine: RFC 2326 Appendix A.2. */
  #dispatch(request: RtspRequest): void {
    switch (request.method) {
      case "OPTIONS":
        this.#answer(request, status.ok, [["Public", serverMethods]]);
        break;
      case "DESCRIBE":
        this.#describe(request);
        break;
      case "ANNOUNCE":
        this.#announce(request);
        break;
      case "SETUP":
        this.#setup(request);
        break;
      case "PLAY":
      case "PAUSE":
      case "RECORD":
        this.#control(request, request.method);
        break;
      case "TEARDOWN":
        if (this.#session.id === undefined || !this.#session.isNamedBy(request)) {
          this.#answer(request, status.sessionNotFound);
        } else {
          this.#answer(request, status.ok);
          this.#endSession();
        }
        break;
      case "GET_PARAMETER":
      case "SET_PARAMETER":
        // Without a body it is a sign of life (§10.8), whatever a client thinks of the session.
        if (!this.#session.isNamedBy(request)) this.#answer(request, status.sessionNotFound);
        else this.#answer(request, request.body.length === 0 ? status.ok : status.parameterNotUnderstood);
        break;
      case "REDIRECT":
        this.#answer(request, status.methodNotAllowed, [["Allow", serverMethods]]);
        break;
      default:
        this.#answer(request, status.notImplemented, [["Public", serverMethods]]);
        break;
    }
  }

  #describe(request: RtspRequest): void {
    const accept = request.headers.get("accept");
    if (accept !== undefined && !/application\/(?:sdp|\*)|\*\/\*/i.test(accept)) {
      this.#answer(request, status.notAcceptable);
      return;
    }
    this.#ask(request, parseRequestTarget(request.url));
  }

  #announce(request: RtspRequest): void {
    const target = parseRequestTarget(request.url);
    if (this.#session.presentation !== undefined) {
      this.#answer(request, status.methodNotValidInThisState);
    } else if (!/^application\/sdp\b/i.test(request.headers.get("content-type") ?? "application/sdp")) {
      this.#answer(request, status.unsupportedMediaType);
    } else if (request.body.length === 0) {
      this.#answer(request, status.badRequest);
    } else {
      this.#ask(request, target);
    }
  }

  /** Raises "describe" or "announce" with what came to identify the peer. */
  #ask(request: RtspRequest, target: RequestTarget): void {
    const verdict = this.#credentials.check(request, this.#now);
    if (verdict.kind !== "credentials") {
      this.#askCredentials(request, verdict.kind === "stale");
      return;
    }
    const requestId = ++this.#requestCount;
    const asked = { ...target, credentials: verdict.credentials, userAgent: request.headers.get("user-agent") };
    const kind = request.method === "ANNOUNCE" ? "announce" : "describe";
    this.#pending = { requestId, request, kind, target };
    if (kind === "announce") {
      this.#events.push({ type: kind, requestId, sdp: new TextDecoder().decode(request.body), ...asked });
    } else {
      this.#events.push({ type: kind, requestId, isSetup: request.method === "SETUP", ...asked });
    }
  }

  #askCredentials(request: RtspRequest, isStale: boolean): void {
    if (!isStale && request.headers.get("authorization") !== undefined) this.#credentials.countRefused();
    this.#answer(request, status.unauthorized, this.#credentials.challenge(isStale, this.#now));
  }

  #setup(request: RtspRequest): void {
    const target = parseRequestTarget(request.url);
    if (!this.#session.isNamedBy(request)) {
      this.#answer(request, status.sessionNotFound);
      return;
    }
    if (this.#session.phase !== "ready") {
      this.#answer(request, status.methodNotValidInThisState);
      return;
    }
    const presentation = this.#session.presentation ?? this.#described;
    const trackIndex = presentation === undefined ? -1 : findTrack(presentation, target);
    if (presentation === undefined || trackIndex < 0) {
      // A player that needs no description, or another stream than the one that was described last.
      const wanted = presentationTarget(target);
      const isKnown = presentation?.target.path === wanted.path;
      if (this.#session.presentation !== undefined || isKnown) this.#answer(request, status.notFound);
      else this.#ask(request, wanted);
      return;
    }
    if (this.#session.tracks.isSetUp(trackIndex)) {
      const isAggregate = findScope(presentation, request.url) === "aggregate";
      const isOneOfMany = isAggregate && presentation.controls.length > 1;
      this.#answer(request, isOneOfMany ? status.aggregateOperationNotAllowed : status.methodNotValidInThisState);
      return;
    }
    const alternatives = parseTransports(request.headers.getAll("transport").join(","));
    const chosen = this.#session.tracks.choose(alternatives, presentation.role, this.#options.transports);
    if (chosen === undefined) {
      this.#answer(request, status.unsupportedTransport);
      return;
    }
    const requestId = ++this.#requestCount;
    this.#pending = { requestId, request, kind: "setup", presentation, trackIndex, chosen };
    this.#events.push({ type: "setup", requestId, role: presentation.role, trackIndex, transport: chosen.transport });
  }

  #control(request: RtspRequest, method: "PLAY" | "PAUSE" | "RECORD"): void {
    const refusal = this.#session.refuse(request, method);
    if (refusal !== undefined) {
      this.#answer(request, refusal);
    } else if (method === "PAUSE") {
      if (this.#session.phase !== "ready") this.#events.push({ type: "pause" });
      this.#session.phase = "ready";
      this.#answer(request, status.ok);
    } else if (this.#session.phase !== "ready") {
      this.#answer(request, status.ok, [liveRange(request)]); // PLAY again is a sign of life to some players
    } else {
      liveRange(request); // one that can't be read is refused before anybody is asked
      const kind = method === "PLAY" ? "play" : "record";
      const requestId = ++this.#requestCount;
      this.#pending = { requestId, request, kind };
      this.#events.push({ type: kind, requestId });
    }
  }

  #take<K extends Pending["kind"]>(
    requestId: number,
    kind: K | undefined,
    now: number,
  ): (Pending & { readonly kind: K }) | undefined {
    this.#now = now;
    const pending = this.#pending;
    if (pending?.requestId !== requestId || (kind !== undefined && pending.kind !== kind)) return undefined;
    this.#pending = undefined;
    this.#lastActivityAt = now;
    return pending as Pending & { readonly kind: K };
  }

  #answer(request: RtspRequest, code: RtspStatus, headers: readonly RtspHeader[] = [], body?: Uint8Array): void {
    const session = code === status.sessionNotFound ? undefined : this.#session.header(this.#sessionTimeoutMs());
    this.#output.push(writeAnswer(request, code, session, headers, body));
  }

  #endSession(): void {
    if (this.#session.presentation !== undefined) this.#events.push({ type: "teardown" });
    this.#session = new SessionState();
  }

  #fail(error: unknown): void {
    if (!(error instanceof CodedError)) throw error; // our own bug: the driver's boundary discards the session
    this.#end(error);
  }

  #end(error: CodedError | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pending = undefined;
    this.#waiting.clear();
    this.#endSession();
    this.#events.push(error === undefined ? { type: "closed" } : { type: "closed", error });
  }
}

/** 128 bits: nobody guesses it, though it would be of no use on another connection anyway. */
const sessionIdLength = 16;
