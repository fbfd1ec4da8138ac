/** A stream that is fetched from elsewhere, always or while somebody plays it. Lives on the controller; a shard carries each try. */

import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_RTSP_TRANSPORT } from "../../protocols/rtsp/errors.ts";
import { parseRtspUrl, type RtspUrl } from "../../protocols/rtsp/url.ts";
import type { StreamSettings } from "../config/stream-settings.ts";
import type { Logger } from "../log/logger.ts";
import { maskUrl } from "../log/mask-url.ts";
import type { OutboundEvent } from "../outbound/calls.ts";
import type { OutboundDirector } from "../outbound/director.ts";
import { ERR_CONNECT } from "../outbound/errors.ts";
import { type Failure, type OnFailing, Supervisor, type SupervisorState } from "../outbound/supervisor.ts";

export interface SourceOptions {
  readonly stream: string;
  readonly settings: StreamSettings;
  readonly director: OutboundDirector;
  readonly logger: Logger;
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Something begins to fail; whoever asks for many streams can cause many of these. */
  readonly onFailing: OnFailing;
  /** It is idle: nobody plays, and nothing is under way. */
  readonly onIdle: () => void;
}

/** Where the next try goes. */
interface Target {
  readonly url: string;
  readonly redirectCount: number;
  readonly sentBy: string | undefined;
}

export class Source {
  readonly stream: string;
  readonly #options: SourceOptions;
  readonly #settings: StreamSettings;
  readonly #supervisor: Supervisor;
  readonly #shard: number;
  readonly #first: Target;
  #target: Target;
  /** What the next try asks for: what the last one has shown is remembered. */
  #transport: "tcp" | "udp";
  #tryId: number | undefined;
  #playerCount = 0;
  #closeTimer: NodeJS.Timeout | undefined;
  #summons: PromiseWithResolvers<void> | undefined;
  #summonTimer: NodeJS.Timeout | undefined;
  /** What the log had last of its failures: the same again is no news. */
  #loggedFailure: string | undefined;
  /** Since it was idle. */
  #hasRun = false;

  constructor(options: SourceOptions) {
    const { stream, settings, director, nowMs, random } = options;
    this.stream = stream;
    this.#options = options;
    this.#settings = settings;
    this.#shard = director.assignShard();
    this.#first = { url: settings.source, redirectCount: 0, sentBy: undefined };
    this.#target = this.#first;
    this.#transport = settings.rtspTransport === "udp" ? "udp" : "tcp";
    this.#supervisor = new Supervisor({
      ...{ nowMs, random },
      begin: (tryId) => this.#begin(tryId),
      cancel: (tryId, reason) => director.close(tryId, reason),
      onState: (state, failure, waitMs) => this.#changed(state, failure, waitMs),
    });
  }

  get isOnDemand(): boolean {
    return this.#settings.sourceOnDemand;
  }

  get state(): SupervisorState {
    return this.#supervisor.state;
  }

  /** As `/stats` shows it, but for what the shard knows of the try under way, whose number is `tryId`. */
  describe(): { readonly tryId: number | undefined; readonly shown: Record<string, unknown> } {
    const { state, failure, tryCount, failureCount } = this.#supervisor;
    return {
      tryId: this.#tryId,
      shown: {
        stream: this.stream,
        source: maskUrl(this.#settings.source),
        on_demand: this.isOnDemand,
        state,
        try_count: tryCount,
        failure_count: failureCount,
        last_error: failure === undefined ? null : { code: failure.code, message: failure.message },
      },
    };
  }

  /** Until it may be asked for again: a source that refused our password is left alone for a while. */
  get waitMs(): number {
    return this.#supervisor.waitMs;
  }

  /** Fetches from now on. */
  start(): void {
    this.#supervisor.start();
  }

  stop(reason: string): void {
    clearTimeout(this.#closeTimer);
    this.#settle();
    this.#supervisor.stop(reason);
  }

  /** Somebody wants to play: resolves when there is something to play, or it has been waited for long enough. */
  summon(): Promise<void> {
    if (this.#supervisor.state === "running") {
      this.#closeLater(); // not in the very moment in which somebody comes
      return Promise.resolve();
    }
    if (this.waitMs > this.#settings.sourceOnDemandTimeoutMs) return Promise.resolve();
    this.#supervisor.start();
    if (this.#summons === undefined) {
      this.#summons = Promise.withResolvers<void>();
      this.#summonTimer = setTimeout(() => this.#giveUp(), this.#settings.sourceOnDemandTimeoutMs);
    }
    return this.#summons.promise;
  }

  handlePlayer(change: 1 | -1): void {
    this.#playerCount = Math.max(0, this.#playerCount + change);
    this.#closeLater();
  }

  /** Closes it in time, unless somebody plays. */
  #closeLater(): void {
    clearTimeout(this.#closeTimer);
    if (!this.isOnDemand || this.#playerCount > 0 || this.#supervisor.state === "idle") return;
    if (this.#summons !== undefined) return;
    this.#closeTimer = setTimeout(() => this.stop("nobody plays it"), this.#settings.sourceOnDemandCloseAfterMs);
  }

  #giveUp(): void {
    this.#settle();
    // Players of a stream that waits for its source to come back keep it going.
    if (this.#playerCount === 0) this.stop("it did not come in time");
  }

  #settle(): void {
    clearTimeout(this.#summonTimer);
    this.#summons?.resolve();
    this.#summons = undefined;
  }

  #begin(tryId: number): void {
    const { director } = this.#options;
    const { sourceFingerprint: fingerprint } = this.#settings;
    const target = this.#target;
    this.#target = this.#first;
    this.#tryId = tryId;
    const order = { kind: "pull", tryId, stream: this.stream, fingerprint, transport: this.#transport } as const;
    director.open(this.#shard, { ...order, ...target }, (event) => this.#handle(event));
  }

  #handle(event: OutboundEvent): void {
    switch (event.type) {
      case "running":
        this.#supervisor.handleRunning(event.tryId);
        return;
      case "failed":
        if (event.hasFallenBack) this.#transport = "tcp";
        else if (this.#isRefusedTcp(event.failure)) this.#transport = "udp";
        this.#supervisor.handleFailed(event.tryId, event.failure);
        // It is there, and has said no: there is nothing to wait for.
        if (this.#summons !== undefined && !passing.has(event.failure.code)) this.#giveUp();
        return;
      case "redirected":
        this.#redirect(event);
        return;
    }
  }

  #isRefusedTcp({ code }: Failure): boolean {
    return code === ERR_RTSP_TRANSPORT && this.#settings.rtspTransport === "auto" && this.#transport === "tcp";
  }

  #redirect({ tryId, url, redirectCount, sentBy }: Extract<OutboundEvent, { type: "redirected" }>): void {
    try {
      this.#target = { url: withCredentials(url, parseRtspUrl(this.#settings.source)), redirectCount, sentBy };
      this.#supervisor.handleMoved(tryId);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#supervisor.handleFailed(tryId, { code: error.code, message: error.message });
    }
  }

  #changed(state: SupervisorState, failure: Failure | undefined, waitMs: number): void {
    const { logger, onIdle } = this.#options;
    const fields = { stream: this.stream, source: maskUrl(this.#settings.source) };
    switch (state) {
      case "running":
        this.#loggedFailure = undefined;
        this.#hasRun = true;
        this.#settle();
        this.#closeLater();
        logger.info(fields, "source running");
        return;
      case "waiting": {
        if (failure === undefined) return;
        const isNew = failure.code !== this.#loggedFailure;
        this.#loggedFailure = failure.code;
        const message = `source failed: ${failure.message}`;
        if (isNew) this.#options.onFailing({ code: failure.code, message }, { ...fields, retry_ms: waitMs });
        else logger.debug({ ...fields, code: failure.code, retry_ms: waitMs }, message);
        return;
      }
      case "idle":
        this.#tryId = undefined;
        logger[this.#hasRun ? "info" : "debug"](fields, "source stopped");
        this.#hasRun = false;
        onIdle();
        return;
      case "connecting":
        return;
    }
  }
}

/** The password goes along to the same host only, and never from TLS to where everybody can read it. */
function withCredentials(text: string, from: RtspUrl): string {
  const to = parseRtspUrl(text);
  const isSame = to.host.toLowerCase() === from.host.toLowerCase() && (to.isTls || !from.isTls);
  if (!isSame || from.username === undefined || to.username !== undefined) return text;
  const userInfo = `${encodeURIComponent(from.username)}:${encodeURIComponent(from.password ?? "")}@`;
  return to.requestUrl.replace("://", () => `://${userInfo}`);
}

/** What the next try may not meet again. */
const passing: ReadonlySet<string> = new Set([ERR_CONNECT, ERR_RTSP_TRANSPORT]);
