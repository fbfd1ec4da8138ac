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

// The formats of frames and configurations, for those who publish or take frames themselves (docs/frames.md).
export { AssertionError } from "./bytes/assert.ts";
export { ByteReader } from "./bytes/byte-reader.ts";
export { CodedError } from "./bytes/coded-error.ts";
export { adtsHeaderLength, parseAdtsHeader, writeAdtsHeader } from "./codecs/aac/adts.ts";
export { parseAudioSpecificConfig, writeAudioSpecificConfig } from "./codecs/aac/audio-specific-config.ts";
export type { CodecName } from "./codecs/codec-name.ts";
export { type AvcConfig, parseAvcConfig, writeAvcConfig } from "./codecs/h264/avc-config.ts";
export { type HevcConfig, parseHevcConfig, writeHevcConfig } from "./codecs/h265/hevc-config.ts";
export { parseAnnexB } from "./codecs/nal/annex-b.ts";
export { NalUnitWalker, writeNalUnits } from "./codecs/nal/length-prefixed.ts";
export { opusPacketDuration } from "./codecs/opus/packet.ts";
export { parseTrackInfo, type TrackInfo } from "./codecs/track-info.ts";
export { FlvReader, type FlvTag } from "./formats/flv/flv-reader.ts";
// The kernel.
export { type CursorStep, CursorTable, cursorSteps, defaultLagLimits, type LagLimits } from "./kernel/cursor-table.ts";
export type { Packet, Packetizer, WireFormat } from "./kernel/egress.ts";
export { EgressLog, type EgressLogOptions } from "./kernel/egress-log.ts";
export type { EngineCounters, LogSubscription } from "./kernel/engine.ts";
export * from "./kernel/errors.ts";
export type { Frame, Track, TrackFormat, TrackKind } from "./kernel/frame.ts";
export type { PeerRequest } from "./kernel/gate.ts";
export { defaultLimits, type EngineLimits } from "./kernel/limits.ts";
export { entryFlags } from "./kernel/log-layout.ts";
export { type LogMemory, openLogMemory } from "./kernel/log-memory.ts";
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
// Protocols as state machines without I/O: bytes in, bytes and events out.
export type { RtmpClientEvent, RtmpClientOptions } from "./protocols/rtmp/client-events.ts";
export { RtmpClientSession } from "./protocols/rtmp/client-session.ts";
export type { RtmpServerEvent, RtmpServerOptions } from "./protocols/rtmp/server-events.ts";
export { RtmpServerSession } from "./protocols/rtmp/session.ts";
export { HeaderExtensionWalker, writeHeaderExtension } from "./protocols/rtp/header-extension.ts";
export { writeRtpPacket } from "./protocols/rtp/packet-writer.ts";
export type { RtspClientEvent, RtspClientOptions } from "./protocols/rtsp/client-events.ts";
export { RtspClientSession } from "./protocols/rtsp/client-session.ts";
export type { RtspServerEvent, RtspServerOptions } from "./protocols/rtsp/server-events.ts";
export { RtspServerSession } from "./protocols/rtsp/session.ts";
// The engine with this process's clock.
export { Engine, type EngineOptions, serveUntilSignal } from "./runtime/engine.ts";
