/**
 * How the threads of one server talk: typed calls that are answered, and typed words that are not.
 *
 * Within one thread a link is a pair of microtasks; between two it is a MessagePort. Its queue is bounded: what has been sent and
 * not yet been taken is counted in shared memory, a call that finds the queue full is refused, and a word that may be lost is.
 */

import type { MessagePort, Transferable } from "node:worker_threads";
import { assert } from "../../bytes/assert.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_SHARD_BUSY, ERR_SHARD_GONE } from "../errors.ts";
import { callTimeoutMs, maxQueuedMessages } from "./limits.ts";

/** What one side answers: one argument each, which can be cloned. */
export type Calls = { readonly [name: string]: (argument: never) => unknown };

type Argument<Call> = Call extends (argument: infer Given) => unknown ? Given : never;
type Answer<Call> = Call extends (argument: never) => infer Given ? Awaited<Given> : never;

export interface LinkCounters {
  readonly sentCount: number;
  /** Refused or dropped, because the other side is too far behind. */
  readonly fullCount: number;
}

/** One side's way to the other. */
export interface Link<Remote extends Calls> {
  readonly counters: LinkCounters;
  /** @throws what the other side throws, as a CodedError; `ERR_SHARD_BUSY`, `ERR_SHARD_GONE` */
  call<Name extends keyof Remote & string>(
    name: Name,
    argument: Argument<Remote[Name]>,
    timeoutMs?: number,
    transfer?: Transferable[],
  ): Promise<Answer<Remote[Name]>>;
  /** A change of state, which the other side must learn of: sent even when the queue is full, and counted then. */
  tell<Name extends keyof Remote & string>(name: Name, argument: Argument<Remote[Name]>): void;
  /** What may be lost when the other side is too far behind: log lines, events. */
  mention<Name extends keyof Remote & string>(name: Name, argument: Argument<Remote[Name]>): void;
  close(): void;
}

/** Told of a handler that threw without being asked for an answer, or threw what is no CodedError: a mistake of ours. */
export type OnFailure = (error: unknown) => void;

/** A link to handlers in this thread. They run in a microtask: never inside of the call that caused them. */
export class LocalLink<Remote extends Calls> implements Link<Remote> {
  readonly #handlers: Remote;
  readonly #onFailure: OnFailure;
  #sentCount = 0;

  constructor(handlers: Remote, onFailure: OnFailure) {
    this.#handlers = handlers;
    this.#onFailure = onFailure;
  }

  get counters(): LinkCounters {
    return { sentCount: this.#sentCount, fullCount: 0 };
  }

  async call<Name extends keyof Remote & string>(
    name: Name,
    argument: Argument<Remote[Name]>,
  ): Promise<Answer<Remote[Name]>> {
    this.#sentCount++;
    await undefined;
    return (await this.#handlers[name]?.(argument as never)) as Answer<Remote[Name]>;
  }

  tell<Name extends keyof Remote & string>(name: Name, argument: Argument<Remote[Name]>): void {
    this.call(name, argument).catch(this.#onFailure);
  }

  mention<Name extends keyof Remote & string>(name: Name, argument: Argument<Remote[Name]>): void {
    this.tell(name, argument);
  }

  close(): void {}
}

interface Message {
  /** Of the call that is made or answered; 0 when no answer is wanted. */
  readonly id: number;
  /** Undefined in an answer. */
  readonly name?: string;
  readonly argument?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

interface Pending {
  readonly dueMs: number;
  readonly promise: PromiseWithResolvers<unknown>;
}

/** One end of a link between two threads. */
export interface LinkEnd {
  readonly port: MessagePort;
  /** Two counts for each side: sent, and taken by the other. */
  readonly queue: SharedArrayBuffer;
  readonly side: 0 | 1;
}

export const linkQueueBytes = 16;

export class PortLink<Remote extends Calls, Local extends Calls> implements Link<Remote> {
  readonly #port: MessagePort;
  readonly #handlers: Local;
  readonly #onFailure: OnFailure;
  readonly #nowMs: () => number;
  readonly #queue: Int32Array;
  readonly #side: 0 | 1;
  readonly #pending = new Map<number, Pending>();
  readonly #timer: NodeJS.Timeout;
  #nextId = 1;
  #sentCount = 0;
  #fullCount = 0;
  #isClosed = false;

  constructor(end: LinkEnd, handlers: Local, nowMs: () => number, onFailure: OnFailure) {
    this.#port = end.port;
    this.#side = end.side;
    this.#queue = new Int32Array(end.queue);
    this.#handlers = handlers;
    this.#nowMs = nowMs;
    this.#onFailure = onFailure;
    this.#port.on("message", (message: Message) => this.#handle(message));
    this.#port.on("close", () => this.close());
    this.#timer = setInterval(() => this.#expire(), callTimeoutMs / 4).unref();
  }

  get counters(): LinkCounters {
    return { sentCount: this.#sentCount, fullCount: this.#fullCount };
  }

  /** Messages that the other side has not taken yet. */
  get queuedCount(): number {
    const at = this.#side * 2;
    return (Atomics.load(this.#queue, at) - Atomics.load(this.#queue, at + 1)) | 0;
  }

  call<Name extends keyof Remote & string>(
    name: Name,
    argument: Argument<Remote[Name]>,
    timeoutMs: number = callTimeoutMs,
    transfer: Transferable[] = [],
  ): Promise<Answer<Remote[Name]>> {
    if (this.#isClosed) return Promise.reject(gone());
    if (this.#isFull()) return Promise.reject(busy("its queue is full"));
    const promise = Promise.withResolvers<unknown>();
    const id = this.#nextId++;
    this.#pending.set(id, { dueMs: this.#nowMs() + timeoutMs, promise });
    this.#post({ id, name, argument }, transfer);
    return promise.promise as Promise<Answer<Remote[Name]>>;
  }

  tell<Name extends keyof Remote & string>(name: Name, argument: Argument<Remote[Name]>): void {
    this.#isFull();
    this.#post({ id: 0, name, argument });
  }

  mention<Name extends keyof Remote & string>(name: Name, argument: Argument<Remote[Name]>): void {
    if (!this.#isFull()) this.#post({ id: 0, name, argument });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#port.close();
    for (const { promise } of this.#pending.values()) promise.reject(gone());
    this.#pending.clear();
  }

  #isFull(): boolean {
    const isFull = this.queuedCount >= maxQueuedMessages;
    if (isFull) this.#fullCount++;
    return isFull;
  }

  #post(message: Message, transfer: Transferable[] = []): void {
    if (this.#isClosed) return;
    this.#sentCount++;
    Atomics.add(this.#queue, this.#side * 2, 1);
    this.#port.postMessage(message, transfer);
  }

  #handle({ id, name, argument, error }: Message): void {
    Atomics.add(this.#queue, (1 - this.#side) * 2 + 1, 1);
    if (name === undefined) {
      this.#settle(id, argument, error);
      return;
    }
    this.#run(name, argument).then(
      (answer) => {
        if (id !== 0) this.#post({ id, argument: answer });
      },
      (thrown: unknown) => {
        if (id === 0 || !(thrown instanceof CodedError)) this.#onFailure(thrown);
        if (id !== 0) this.#post({ id, error: describe(thrown) });
      },
    );
  }

  async #run(name: string, argument: unknown): Promise<unknown> {
    const handler = Object.hasOwn(this.#handlers, name) ? this.#handlers[name] : undefined;
    assert(handler !== undefined, `another thread asked for ${name}, which nobody here answers`);
    return handler(argument as never);
  }

  #settle(id: number, answer: unknown, error: Message["error"]): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return; // answered too late
    this.#pending.delete(id);
    if (error === undefined) pending.promise.resolve(answer);
    else pending.promise.reject(new CodedError(error.code, error.message));
  }

  #expire(): void {
    const nowMs = this.#nowMs();
    for (const [id, { dueMs, promise }] of this.#pending) {
      if (nowMs < dueMs) continue;
      this.#pending.delete(id);
      promise.reject(busy("it did not answer in time"));
    }
  }
}

function describe(error: unknown): NonNullable<Message["error"]> {
  if (error instanceof CodedError) return { code: error.code, message: error.message };
  return { code: ERR_SHARD_GONE, message: "an internal error on another thread" };
}

function busy(why: string): CodedError {
  return new CodedError(ERR_SHARD_BUSY, `another thread of this server is too busy: ${why}; try again`);
}

function gone(): CodedError {
  return new CodedError(ERR_SHARD_GONE, "the thread that has this stream has ended");
}
