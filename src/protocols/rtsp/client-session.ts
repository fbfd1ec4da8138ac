/**
 * The client's side of one RTSP connection, to play or to publish one stream: for pulls, forwards, the load generator and tests.
 * Sans-I/O as the server's session (session.ts): drain {@link RtspClientSession.pollEvent} and
 * {@link RtspClientSession.pollOutput} after every call, also after the constructor.
 *
 * RFC 2326 Appendix A.1, and what cameras make of it. One request is under way at a time, so whatever answer comes is the answer
 * to it: cameras count CSeq in ways of their own.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { Fifo } from "../fifo.ts";
import { attempt } from "./attempt.ts";
import { ClientCredentials } from "./client-credentials.ts";
import type { RtspClientEvent, RtspClientOptions, RtspClientTrack } from "./client-events.ts";
import { ClientTracks } from "./client-tracks.ts";
import * as errors from "./errors.ts";
import { type InterleavedFrame, writeInterleaved } from "./interleaved.ts";
import { KeepAlive } from "./keep-alive.ts";
import * as limits from "./limits.ts";
import { quoted, type RtspHeader, type RtspHeaders } from "./message/headers.ts";
import { type RtspRequest, type RtspResponse, writeRequest, writeResponse } from "./message/message.ts";
import { parseSession } from "./message/session-header.ts";
import { RtspMessageReader } from "./message-reader.ts";
import { OutputQueue } from "./output-queue.ts";
import { type RtspStatus, reasons, status } from "./status.ts";
import { parseRtspUrl, type RtspUrl, resolveControl } from "./url.ts";

interface Outstanding {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly RtspHeader[];
  readonly body: Uint8Array | undefined;
  /** How often credentials have been sent for it. */
  authorizationCount: number;
}

export class RtspClientSession {
  readonly #options: RtspClientOptions;
  readonly #url: RtspUrl;
  readonly #reader: RtspMessageReader;
  readonly #events = new Fifo<RtspClientEvent>();
  readonly #output = new OutputQueue();
  readonly #credentials: ClientCredentials;
  readonly #keepAlive = new KeepAlive();

  #state: "connecting" | "described" | "settingUp" | "ready" | "fallingBack" | "closed" = "connecting";
  #now: number;
  #cseq = 0;
  #outstanding: Outstanding | undefined;
  #deadline: number | undefined;
  #isTcp: boolean;
  /** What relative controls hang on: Content-Base, Content-Location, or the address of the request. */
  #base: string;
  #aggregateUrl: string;
  #sessionId: string | undefined;
  #wanted: readonly RtspClientTrack[] = [];
  #tracks = new ClientTracks([]);
  /** Packets from before the answer to PLAY. */
  #early: InterleavedFrame[] = [];
  #earlyBytes = 0;
  #droppedFrames = 0;

  /** Errors: ERR_RTSP_URL. `now` here and everywhere: milliseconds of a monotonic clock. */
  constructor(options: RtspClientOptions, now: number) {
    this.#options = options;
    this.#url = typeof options.url === "string" ? parseRtspUrl(options.url) : options.url;
    const { username, password, requestUrl } = this.#url;
    this.#credentials = new ClientCredentials(
      options.crypto,
      username,
      password ?? "",
      this.#url.isTls || options.allowsBasic !== false,
    );
    const isChannel = (channel: number): boolean => this.#tracks.findChannel(channel) >= 0;
    this.#reader = new RtspMessageReader({ isLenient: true, isChannel });
    this.#now = now;
    this.#isTcp = options.transport === "tcp";
    this.#base = requestUrl;
    this.#aggregateUrl = requestUrl;
    this.#send("OPTIONS", requestUrl);
  }

  /** Whether media may be sent, or comes. */
  get isReady(): boolean {
    return this.#state === "ready";
  }

  /** Whether a new connection to this server had better ask for TCP at once. */
  get hasFallenBack(): boolean {
    return this.#isTcp && this.#options.transport === "auto";
  }

  /** Interleaved frames on channels that nobody has set up, or beyond the bound before "ready". */
  get droppedFrameCount(): number {
    return this.#droppedFrames;
  }

  /** Bytes between messages that belong to none: some cameras lose a part of a frame. */
  get skippedBytes(): number {
    return this.#reader.skippedBytes;
  }

  /** Takes bytes of the server, lent until the events are drained. Its mistakes never throw: they become "closed". */
  handle(bytes: Uint8Array, now: number): void {
    if (this.#state === "closed") return;
    this.#now = now;
    this.#keepAlive.handleReceived(now);
    this.#run(() => {
      this.#reader.handle(bytes);
      for (let item = this.#reader.poll(); item !== undefined; item = this.#reader.poll()) {
        if (item.kind === "interleaved") this.#handleFrame(item);
        else if (item.kind === "response") this.#handleResponse(item);
        else this.#handleRequest(item);
        if (this.#state === "closed") return;
      }
    });
  }

  /** Packets come over UDP: the server is there, even if it never answers a keep-alive. */
  handleUdpActivity(now: number): void {
    this.#keepAlive.handleReceived(now);
  }

  handleTimeout(now: number): void {
    this.#now = now;
    if (this.#deadline !== undefined && now >= this.#deadline) {
      const method = this.#outstanding?.method ?? "the last request";
      this.#end(new CodedError(errors.ERR_RTSP_TIMEOUT, `expected an answer to ${method} by now`));
      return;
    }
    switch (this.#state === "ready" ? this.#keepAlive.handleTimeout(now) : undefined) {
      case "send":
        this.#send(this.#keepAlive.method, this.#aggregateUrl);
        this.#deadline = undefined; // not to be answered is allowed, as long as anything comes
        break;
      case "dead":
        this.#end(
          new CodedError(errors.ERR_RTSP_TIMEOUT, "expected a sign of life, nothing came since the keep-alive"),
        );
        break;
      case undefined:
        break;
    }
  }

  /** The time at which {@link handleTimeout} wants to be called; it may have moved after every other call. */
  nextTimeout(): number | undefined {
    if (this.#state === "closed") return undefined;
    return this.#deadline ?? (this.#state === "ready" ? this.#keepAlive.deadline : undefined);
  }

  pollEvent(): RtspClientEvent | undefined {
    return this.#events.shift();
  }

  /** All bytes to send, in one piece with memory of its own. */
  pollOutput(): Uint8Array | undefined {
    return this.#output.poll();
  }

  /**
   * Answers "description": sets up these tracks, and plays. `aggregateControl` is `a=control` of the session part.
   * At least one track; who wants none closes.
   */
  setUp(tracks: readonly RtspClientTrack[], aggregateControl: string | undefined, now: number): void {
    if (this.#state !== "described") return;
    this.#now = now;
    this.#wanted = tracks.slice(0, limits.maxTracks);
    this.#aggregateUrl = resolveControl(this.#base, aggregateControl);
    this.#run(() => this.#startSetUp());
  }

  /** The driver saw that nothing comes over UDP: begins anew over TCP. False: that is not to be, or it is TCP already. */
  fallBackToTcp(now: number): boolean {
    if (this.#state !== "ready" || this.#options.transport !== "auto" || !this.#tracks.isAnyUdp) return false;
    this.#now = now;
    this.#run(() => this.#fallBack());
    return true;
  }

  /** Publishers over TCP, after "ready"; RTCP of players too. Copies `packet`. */
  sendInterleaved(trackIndex: number, kind: "rtp" | "rtcp", packet: Uint8Array): void {
    const channel = this.#state === "ready" ? this.#tracks.channelOf(trackIndex, kind) : undefined;
    if (channel !== undefined) this.#output.push(writeInterleaved(channel, packet));
  }

  /** Ends the stream in order, and the session with it. */
  close(): void {
    if (this.#state === "closed") return;
    this.#run(() => {
      if (this.#sessionId !== undefined) this.#send("TEARDOWN", this.#aggregateUrl);
      this.#end(undefined);
    });
  }

  /** Errors: ERR_RTSP_URL, for a control of the server that would break the request. */
  #send(method: string, url: string, headers: readonly RtspHeader[] = [], body?: Uint8Array): void {
    if (/[\s\p{Cc}]/u.test(url)) {
      throw new CodedError(
        errors.ERR_RTSP_URL,
        `expected controls without spaces in the description, got ${quoted(url)}`,
      );
    }
    this.#outstanding = { method, url, headers, body, authorizationCount: 0 };
    this.#transmit(this.#outstanding);
  }

  #transmit(request: Outstanding): void {
    this.#cseq += 1;
    const authorization = this.#credentials.headersFor(request.method, request.url);
    if (authorization.length > 0) request.authorizationCount += 1;
    const headers: RtspHeader[] = [
      ["CSeq", String(this.#cseq)],
      ["User-Agent", this.#options.userAgent ?? "Millrace"],
      ...(this.#sessionId === undefined ? [] : [["Session", this.#sessionId] as const]),
      ...authorization,
      ...request.headers,
    ];
    this.#output.push(writeRequest(request.method, request.url, headers, request.body));
    this.#deadline = this.#now + (this.#options.responseTimeoutMs ?? limits.responseTimeoutMs);
  }

  /** The state machine: what each answer leads to. */
  #handleResponse(response: RtspResponse): void {
    const request = this.#outstanding;
    if (request === undefined || response.status < 200) return;
    this.#outstanding = undefined;
    this.#deadline = undefined;
    if (response.status === status.unauthorized && this.#state !== "fallingBack") {
      this.#authorize(request, response);
    } else if (this.#state === "ready") {
      if (response.status !== status.ok) this.#keepAlive.handleRefused();
    } else if (this.#state === "fallingBack") {
      this.#sessionId = undefined;
      this.#startSetUp(); // whatever the server thinks of TEARDOWN
    } else if (request.method === "OPTIONS") {
      if (response.status === status.ok) this.#keepAlive.handlePublic(response.headers.getAll("public").join(","));
      this.#open(); // some cameras do not know OPTIONS
    } else if (isRedirect(response)) {
      this.#redirect(response);
    } else if (response.status === status.unsupportedTransport && request.method === "SETUP") {
      this.#handleUnsupportedTransport();
    } else if (response.status !== status.ok) {
      throw refused(request.method, response);
    } else {
      this.#advance(request, response);
    }
  }

  #advance(request: Outstanding, response: RtspResponse): void {
    this.#takeSession(response.headers);
    switch (request.method) {
      case "DESCRIBE":
        this.#base = baseOf(response.headers) ?? request.url;
        this.#state = "described";
        this.#events.push({ type: "description", sdp: new TextDecoder().decode(response.body) });
        break;
      case "ANNOUNCE":
        this.#startSetUp();
        break;
      case "SETUP":
        this.#tracks.handleAnswer(response.headers, this.#isTcp);
        this.#setUpNext();
        break;
      default:
        this.#ready(response.headers);
        break;
    }
  }

  #open(): void {
    const { publish } = this.#options;
    if (publish === undefined) {
      this.#send("DESCRIBE", this.#url.requestUrl, [["Accept", "application/sdp"]]);
      return;
    }
    this.#wanted = publish.tracks;
    const type: RtspHeader = ["Content-Type", "application/sdp"];
    this.#send("ANNOUNCE", this.#url.requestUrl, [type], new TextEncoder().encode(publish.sdp));
  }

  #startSetUp(): void {
    this.#state = "settingUp";
    this.#tracks = new ClientTracks(this.#wanted);
    this.#early = [];
    this.#earlyBytes = 0;
    this.#setUpNext();
  }

  #setUpNext(): void {
    const isRecord = this.#options.publish !== undefined;
    if (this.#tracks.isComplete) {
      this.#send(isRecord ? "RECORD" : "PLAY", this.#aggregateUrl, [["Range", "npt=0.000-"]]);
    } else {
      const transport = this.#tracks.request(this.#isTcp, isRecord);
      this.#send("SETUP", this.#trackUrl(this.#tracks.nextIndex), [["Transport", transport]]);
    }
  }

  #ready(headers: RtspHeaders): void {
    this.#state = "ready";
    this.#keepAlive.start(this.#now);
    const urls = this.#wanted.map((_, i) => this.#trackUrl(i));
    this.#events.push({ type: "ready", tracks: this.#tracks.ready(headers, urls) });
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    for (const frame of early) this.#handleFrame(frame);
  }

  #trackUrl(trackIndex: number): string {
    return resolveControl(this.#base, this.#wanted[trackIndex]?.control);
  }

  #handleUnsupportedTransport(): void {
    if (this.#isTcp || this.#options.transport !== "auto") {
      const asked = this.#isTcp ? "TCP" : "UDP";
      throw new CodedError(errors.ERR_RTSP_TRANSPORT, `expected the server to take ${asked}, it answered 461`);
    }
    this.#fallBack();
  }

  #fallBack(): void {
    this.#isTcp = true;
    if (this.#sessionId === undefined) {
      this.#startSetUp();
      return;
    }
    this.#state = "fallingBack";
    this.#send("TEARDOWN", this.#aggregateUrl);
  }

  #authorize(request: Outstanding, response: RtspResponse): void {
    const isAnswered = request.authorizationCount > 0;
    const values = response.headers.getAll("www-authenticate");
    const canAnswer = this.#credentials.handleChallenges(values, isAnswered);
    if (canAnswer && request.authorizationCount < limits.maxAuthorizations) {
      this.#outstanding = request;
      this.#transmit(request);
      return;
    }
    if (this.#state === "ready") return; // only a keep-alive: the server will show whether it means it
    const message = !this.#credentials.isKnown
      ? "the server asks for a user and a password: put them into the address"
      : isAnswered
        ? "the server did not take the user and the password"
        : "the server asks for credentials in a way that we do not know, or that is not allowed";
    throw new CodedError(errors.ERR_RTSP_UNAUTHORIZED, message);
  }

  #redirect(response: RtspResponse): void {
    const redirectCount = (this.#options.redirectCount ?? 0) + 1;
    const location = response.headers.get("location");
    if (location === undefined || redirectCount > limits.maxRedirects) {
      const what = location === undefined ? "an address to go to" : `at most ${limits.maxRedirects} redirections`;
      throw new CodedError(errors.ERR_RTSP_REDIRECT, `expected ${what}`);
    }
    parseRtspUrl(location);
    this.#events.push({ type: "redirect", url: location, redirectCount });
    this.#end(undefined);
  }

  /** What servers may ask of a client; most of it is to see whether it is there. */
  #handleRequest(request: RtspRequest): void {
    const cseq = request.headers.get("cseq");
    const headers: RtspHeader[] = cseq === undefined ? [] : [["CSeq", cseq]];
    const answer = (code: RtspStatus): void => this.#output.push(writeResponse(code, reasons[code], headers));
    switch (request.method) {
      case "OPTIONS":
      case "GET_PARAMETER":
      case "SET_PARAMETER":
      case "ANNOUNCE":
      case "PLAY_NOTIFY":
        answer(status.ok);
        break;
      case "TEARDOWN":
        answer(status.ok);
        this.#end(new CodedError(errors.ERR_RTSP_REFUSED, "the server ended the session"));
        break;
      default:
        answer(status.notImplemented);
        break;
    }
  }

  #handleFrame(frame: InterleavedFrame): void {
    const { data } = frame;
    const trackIndex = this.#tracks.findChannel(frame.channel);
    if (trackIndex < 0 || data.length < 2) {
      this.#droppedFrames += 1;
    } else if (this.#state === "ready") {
      // By its content, not by its channel: some cameras have the two the wrong way round. RFC 5761 §4.
      const type = (data[1] as number) & 0x7f;
      this.#events.push({ type: "media", trackIndex, kind: type >= 64 && type < 96 ? "rtcp" : "rtp", data });
    } else if (this.#earlyBytes + data.length + limits.earlyPacketOverheadBytes > limits.maxEarlyMediaBytes) {
      this.#droppedFrames += 1;
    } else {
      this.#early.push({ ...frame, data: data.slice() });
      this.#earlyBytes += data.length + limits.earlyPacketOverheadBytes;
    }
  }

  #takeSession(headers: RtspHeaders): void {
    const value = headers.get("session");
    const session = value === undefined ? undefined : attempt(() => parseSession(value));
    if (session === undefined) return;
    const { id, timeoutSeconds } = session;
    this.#sessionId = id;
    if (timeoutSeconds !== undefined) this.#keepAlive.handleSessionTimeout(timeoutSeconds * 1000);
  }

  #run(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error; // our own bug: the driver's boundary discards the session
      this.#end(error);
    }
  }

  #end(error: CodedError | undefined): void {
    this.#state = "closed";
    this.#deadline = undefined;
    this.#events.push(error === undefined ? { type: "closed" } : { type: "closed", error });
  }
}

/** Undefined when neither header is an address: an app for Android leaves out the scheme, a camera writes its IPv6 address bare. */
function baseOf(headers: RtspHeaders): string | undefined {
  for (const name of ["content-base", "content-location"]) {
    const value = headers.get(name);
    if (value === undefined) continue;
    const url = attempt(() => parseRtspUrl(value).requestUrl);
    if (url !== undefined) return url;
  }
  return undefined;
}

function isRedirect({ status: code }: RtspResponse): boolean {
  return code >= 300 && code < 400 && code !== 304;
}

function refused(method: string, { status: code, reason }: RtspResponse): CodedError {
  return new CodedError(errors.ERR_RTSP_REFUSED, `the server refused ${method}: ${code} ${quoted(reason)}`);
}
