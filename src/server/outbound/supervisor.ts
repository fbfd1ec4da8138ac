/**
 * Keeps one connection to somebody else going: begins tries, one at a time, and waits between them. Knows nothing of what the
 * connection carries, nor of the thread that it is on.
 */

import { RetryDelays } from "./retry-delays.ts";

/** `waiting`: the last try failed, and the next one comes by itself. */
export type SupervisorState = "idle" | "connecting" | "running" | "waiting";

export interface Failure {
  readonly code: string;
  /** For a person. */
  readonly message: string;
}

/** Counts, and logs each code at most once a second. */
export type OnFailing = (failure: Failure, fields: Readonly<Record<string, unknown>>) => void;

export interface SupervisorOptions {
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Begins a try, which will be told of by its number. */
  readonly begin: (tryId: number) => void;
  /** Ends that try, which is not told of any more. */
  readonly cancel: (tryId: number, reason: string) => void;
  /** @param waitMs - until the next try, in the state `waiting` */
  readonly onState: (state: SupervisorState, failure: Failure | undefined, waitMs: number) => void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #delays: RetryDelays;
  #state: SupervisorState = "idle";
  #tryId: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #runningSinceMs: number | undefined;
  /** Before this no try begins, whoever asks. */
  #notBeforeMs = 0;
  #failure: Failure | undefined;
  #tryCount = 0;
  #failureCount = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#delays = new RetryDelays(options.random);
  }

  get state(): SupervisorState {
    return this.#state;
  }

  /** The newest one, also of a connection that runs again. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  get tryCount(): number {
    return this.#tryCount;
  }

  get failureCount(): number {
    return this.#failureCount;
  }

  /** Until a try may begin, whoever asks; 0: at once. */
  get waitMs(): number {
    return Math.max(0, this.#notBeforeMs - this.#options.nowMs());
  }

  /** Begins, or goes on waiting when the last failure was too short a time ago. */
  start(): void {
    if (this.#state !== "idle") return;
    const { waitMs } = this;
    if (waitMs > 0) this.#wait(waitMs);
    else this.#begin();
  }

  stop(reason: string): void {
    if (this.#state === "idle") return;
    clearTimeout(this.#timer);
    const tryId = this.#tryId;
    this.#tryId = undefined;
    if (this.#runningSinceMs !== undefined) this.#delays.handleRun(this.#options.nowMs() - this.#runningSinceMs);
    this.#runningSinceMs = undefined;
    if (tryId !== undefined) this.#options.cancel(tryId, reason);
    this.#enter("idle", undefined, 0);
  }

  /** Whether that try is the one under way: others were cancelled, and don't count any more. */
  isCurrent(tryId: number): boolean {
    return this.#tryId === tryId;
  }

  handleRunning(tryId: number): void {
    if (!this.isCurrent(tryId) || this.#state !== "connecting") return;
    this.#runningSinceMs = this.#options.nowMs();
    this.#enter("running", undefined, 0);
  }

  handleFailed(tryId: number, failure: Failure): void {
    if (!this.isCurrent(tryId)) return;
    const nowMs = this.#options.nowMs();
    if (this.#runningSinceMs !== undefined) this.#delays.handleRun(nowMs - this.#runningSinceMs);
    this.#runningSinceMs = undefined;
    this.#tryId = undefined;
    this.#failure = failure;
    this.#failureCount++;
    const waitMs = this.#delays.next(failure.code, nowMs);
    this.#notBeforeMs = nowMs + waitMs;
    this.#wait(waitMs, failure);
  }

  /** That try goes on elsewhere: at once, and in its place. */
  handleMoved(tryId: number): void {
    if (!this.isCurrent(tryId)) return;
    this.#runningSinceMs = undefined;
    this.#begin();
  }

  #begin(): void {
    const tryId = nextTryId++;
    this.#tryId = tryId;
    this.#tryCount++;
    this.#enter("connecting", undefined, 0);
    if (this.isCurrent(tryId)) this.#options.begin(tryId);
  }

  #wait(waitMs: number, failure?: Failure): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#begin(), waitMs);
    this.#enter("waiting", failure, waitMs);
  }

  #enter(state: SupervisorState, failure: Failure | undefined, waitMs: number): void {
    this.#state = state;
    this.#options.onState(state, failure, waitMs);
  }
}

/** Of all supervisors: a number tells the threads which connection is meant. */
let nextTryId = 1;
