/** One place that one stream is sent on to, for as long as there is the stream. Lives on the controller; a shard carries each try. */

import { ERR_CODEC_NOT_RECEIVABLE } from "../../bridges/errors.ts";
import type { Logger } from "../log/logger.ts";
import { maskUrl } from "../log/mask-url.ts";
import type { OutboundEvent } from "../outbound/calls.ts";
import type { OutboundDirector } from "../outbound/director.ts";
import { type Failure, type OnFailing, Supervisor, type SupervisorState } from "../outbound/supervisor.ts";

/** `stopped`: there is no stream. `failed`: it can't be sent there as it is, and is tried again with its next publisher. */
export type ForwardState = "connecting" | "connected" | "retrying" | "failed" | "stopped";

export interface ForwardOptions {
  readonly stream: string;
  readonly url: string;
  readonly transport: "tcp" | "udp";
  readonly director: OutboundDirector;
  readonly logger: Logger;
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly onFailing: OnFailing;
}

export class Forward {
  readonly #options: ForwardOptions;
  readonly #supervisor: Supervisor;
  readonly #shard: number;
  #tryId: number | undefined;
  /** There is a stream to send. */
  #isWanted = false;
  #hasFailed = false;
  #loggedFailure: string | undefined;

  constructor(options: ForwardOptions) {
    const { director, nowMs, random } = options;
    this.#options = options;
    this.#shard = director.assignShard();
    this.#supervisor = new Supervisor({
      ...{ nowMs, random },
      begin: (tryId) => this.#begin(tryId),
      cancel: (tryId, reason) => director.close(tryId, reason),
      onState: (state, failure, waitMs) => this.#changed(state, failure, waitMs),
    });
  }

  get state(): ForwardState {
    if (this.#hasFailed) return "failed";
    return states[this.#supervisor.state];
  }

  /** As `/stats` shows it, but for what the shard knows of the try under way, whose number is `tryId`. */
  describe(): { readonly tryId: number | undefined; readonly shown: Record<string, unknown> } {
    const { failure, tryCount, failureCount } = this.#supervisor;
    const { stream, url } = this.#options;
    return {
      tryId: this.#tryId,
      shown: {
        stream,
        url: maskUrl(url),
        state: this.state,
        try_count: tryCount,
        failure_count: failureCount,
        last_error: failure === undefined ? null : { code: failure.code, message: failure.message },
      },
    };
  }

  /** The stream has a publisher. */
  start(): void {
    this.#isWanted = true;
    this.#hasFailed = false;
    this.#supervisor.start();
  }

  /** There is no stream any more. What runs sends the rest of it, and ends by itself. */
  handleStreamEnd(): void {
    this.#isWanted = false;
    this.#hasFailed = false;
    if (this.#supervisor.state !== "running") this.#supervisor.stop("the stream ended");
  }

  stop(reason: string): void {
    this.#isWanted = false;
    this.#supervisor.stop(reason);
  }

  #begin(tryId: number): void {
    const { director, stream, url, transport } = this.#options;
    this.#tryId = tryId;
    director.open(this.#shard, { kind: "push", tryId, stream, url, transport }, (event) => this.#handle(event));
  }

  #handle(event: OutboundEvent): void {
    if (event.type === "running") {
      this.#supervisor.handleRunning(event.tryId);
    } else if (event.type === "failed") {
      if (!this.#isWanted) {
        this.#supervisor.stop("the stream ended");
        return;
      }
      this.#supervisor.handleFailed(event.tryId, event.failure);
      if (!hopeless.has(event.failure.code)) return;
      this.#hasFailed = true;
      this.#supervisor.stop(event.failure.message);
    }
  }

  #changed(state: SupervisorState, failure: Failure | undefined, waitMs: number): void {
    const { logger, stream, url } = this.#options;
    const fields = { stream, target: maskUrl(url) };
    switch (state) {
      case "running":
        this.#loggedFailure = undefined;
        logger.info(fields, "forward connected");
        return;
      case "waiting": {
        if (failure === undefined) return;
        const isNew = failure.code !== this.#loggedFailure;
        this.#loggedFailure = failure.code;
        const message = `forward failed: ${failure.message}`;
        if (isNew) this.#options.onFailing({ code: failure.code, message }, { ...fields, retry_ms: waitMs });
        else logger.debug({ ...fields, code: failure.code, retry_ms: waitMs }, message);
        return;
      }
      case "idle":
        this.#tryId = undefined;
        this.#loggedFailure = undefined;
        logger.info(fields, "forward stopped");
        return;
      case "connecting":
        return;
    }
  }
}

const states: Readonly<Record<SupervisorState, ForwardState>> = {
  idle: "stopped",
  connecting: "connecting",
  running: "connected",
  waiting: "retrying",
};

/** What only another publisher can change. */
const hopeless: ReadonlySet<string> = new Set([ERR_CODEC_NOT_RECEIVABLE]);
