/** What an engine is given from outside. Each has a safe default, and none may ever stop a stream: what they throw is counted. */

import type { Frame } from "./frame.ts";
import type { Stream } from "./stream.ts";
import type { StreamName } from "./stream-name.ts";

/** Time from outside; the kernel has none of its own. */
export interface Clock {
  /** Milliseconds that never go back. */
  monotonicMs(): number;
  /** Milliseconds since 1970, for people. */
  wallMs(): number;
}

export type StreamAction = "publish" | "play";

/** Who wants what, from where. The one argument of every decision about access. */
export interface AccessRequest {
  readonly action: StreamAction;
  readonly stream: StreamName;
  /** The ingest or egress protocol's short name, such as `rtmp` or `http-flv`. */
  readonly protocol: string;
  /** The peer's IP address, without port. Empty for subscribers in the process. */
  readonly address: string;
  /** What followed the `?` in the address the peer used; the place of credentials. */
  readonly query: string;
}

export type AccessDecision = { readonly isAllowed: true } | { readonly isAllowed: false; readonly reason: string };

export interface Authenticator {
  authorize(request: AccessRequest): AccessDecision | Promise<AccessDecision>;
}

/** Told what happens. Every method may be missing; a throw is counted and goes no further. */
export interface Observer {
  streamStarted?(stream: Stream): void;
  streamEnded?(stream: Stream, reason: string): void;
  published?(stream: Stream): void;
  unpublished?(stream: Stream, reason: string): void;
  subscribed?(stream: Stream, protocol: string, address: string): void;
  unsubscribed?(stream: Stream, protocol: string, address: string, reason: string): void;
  lagged?(stream: Stream, protocol: string, skipped: number): void;
  evicted?(stream: Stream, protocol: string, address: string): void;
  /** Every frame of every stream; leave it out unless it is needed. */
  frame?(stream: Stream, frame: Frame): void;
}

/** One line for each decision about access. */
export interface AuditRecord {
  readonly atMs: number;
  readonly action: StreamAction;
  readonly stream: string;
  readonly protocol: string;
  readonly address: string;
  readonly outcome: "allowed" | "denied" | "refused";
  readonly code?: string;
}

export interface AuditSink {
  record(record: AuditRecord): void;
}

export interface HealthReport {
  readonly isHealthy: boolean;
  readonly detail: string;
}

/** One named thing that must be well for the server to be ready. */
export interface HealthCheck {
  readonly name: string;
  check(): HealthReport | Promise<HealthReport>;
}

/** What the engine says on its bus; the type names are the documented event names. */
export type EngineEvent =
  | { readonly type: "stream.started"; readonly atMs: number; readonly stream: string }
  | { readonly type: "stream.ended"; readonly atMs: number; readonly stream: string; readonly reason: string }
  | {
      readonly type: "publish" | "unpublish";
      readonly atMs: number;
      readonly stream: string;
      readonly protocol: string;
      readonly address: string;
      readonly reason?: string;
    }
  | {
      readonly type: "subscribe" | "unsubscribe" | "evict";
      readonly atMs: number;
      readonly stream: string;
      readonly protocol: string;
      readonly address: string;
      readonly reason?: string;
    };

export interface EventBus {
  emit(event: EngineEvent): void;
  /** Calls `listener` for every event until the returned function is called. */
  listen(listener: (event: EngineEvent) => void): () => void;
}

/** A protocol that brings streams in. Registered on the engine it publishes to, started and stopped with it. */
export interface IngestProtocol {
  readonly name: string;
  start(): void | Promise<void>;
  /** Stops accepting and closes what is open. */
  stop(): void | Promise<void>;
}

/** A protocol that carries streams out; same life. */
export interface EgressProtocol extends IngestProtocol {}

export interface EngineServices {
  readonly clock: Clock;
  readonly authenticator: Authenticator;
  readonly observer: Observer;
  readonly auditSink: AuditSink;
  readonly eventBus: EventBus;
  readonly healthChecks: readonly HealthCheck[];
}

/** The library's default: everybody may. The server brings its own. */
export const permitAll: Authenticator = { authorize: () => ({ isAllowed: true }) };

export const silentObserver: Observer = {};

export const silentAuditSink: AuditSink = { record: () => {} };

/** Events stay in the process; a listener that throws is dropped from nothing and hurts nobody. */
export class LocalEventBus implements EventBus {
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  #failureCount = 0;

  get failureCount(): number {
    return this.#failureCount;
  }

  emit(event: EngineEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch {
        this.#failureCount++;
      }
    }
  }

  listen(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
