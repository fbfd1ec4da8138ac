/**
 * Millrace as a library: the kernel in any Node process, without threads, native code, configuration files or HTTP.
 *
 * ```ts
 * import { Engine } from "millrace";
 *
 * const engine = new Engine();
 * const publication = await engine.publish({ name: "live/cam", protocol: "mine" });
 * for await (const item of await engine.subscribe({ name: "live/cam", protocol: "mine" })) { … }
 * ```
 */

export { AssertionError } from "./bytes/assert.ts";
export { CodedError } from "./bytes/coded-error.ts";
export { type CursorStep, CursorTable, cursorSteps, defaultLagLimits, type LagLimits } from "./kernel/cursor-table.ts";
export type { Packetizer, WireFormat } from "./kernel/egress.ts";
export { EgressLog, type EgressLogOptions, type LogMemory, openLogMemory } from "./kernel/egress-log.ts";
export type { EngineCounters, LogSubscription, PeerRequest } from "./kernel/engine.ts";
export * from "./kernel/errors.ts";
export type { Frame, Track, TrackFormat, TrackKind } from "./kernel/frame.ts";
export { defaultLimits, type EngineLimits } from "./kernel/limits.ts";
export { entryFlags } from "./kernel/log-layout.ts";
export { type GatheredEntries, LogReader } from "./kernel/log-reader.ts";
export type { MetadataValue, StreamMetadata, StreamState } from "./kernel/metadata.ts";
export type { Publication } from "./kernel/publication.ts";
export type { QosRates, QosTotals } from "./kernel/qos.ts";
export {
  type AccessDecision,
  type AccessRequest,
  type AuditRecord,
  type AuditSink,
  type Authenticator,
  type Clock,
  type EgressProtocol,
  type EngineEvent,
  type EventBus,
  type HealthCheck,
  type HealthReport,
  type IngestProtocol,
  LocalEventBus,
  type Observer,
  permitAll,
  type StreamAction,
} from "./kernel/services.ts";
export type { Stream, StreamCounters } from "./kernel/stream.ts";
export { parseStreamName, type StreamName } from "./kernel/stream-name.ts";
export type { LagReport, SubscribeOptions, Subscription, SubscriptionItem } from "./kernel/subscription.ts";
export { Engine, type EngineOptions, serveUntilSignal } from "./runtime/engine.ts";
