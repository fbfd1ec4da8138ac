/**
 * Every option of the server: its key in the file, default, range, unit and sentence; and `Config`, what the program gets.
 *
 * To add an option: a line in `sections`, a field in `Config`, a line in `configOf`, and its paragraph in `millrace.toml`
 * (a test compares that file with this one). The rules that tie options together are in contradictions.ts.
 *
 * Names: the file writes snake_case and a quantity with its unit as text (`idle_timeout = "15s"`), the program reads
 * camelCase with the unit in the name (`idleTimeoutMs`). `configOf` is the one place that knows both.
 */

import type { z } from "zod";
import {
  choice,
  duration,
  flag,
  host,
  integer,
  type MulticastRange,
  multicastRange,
  type Option,
  type PortRange,
  path,
  portRange,
  secret,
  size,
  webOrigins,
} from "./option.ts";
import type { StreamEntry } from "./stream-settings.ts";

/** Who may do something. "loopback": this machine without a credential, others with the token, if there is one. */
export type AccessRule = "loopback" | "token" | "anyone";
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";
export type LogFormat = "auto" | "pretty" | "json";

/** The configuration as the program reads it: checked, complete and frozen. Each field is explained in `sections`. */
export interface Config {
  readonly server: {
    /** 0 is one per core. */
    readonly shards: number;
    readonly transport: "auto" | "native" | "portable";
    readonly shutdownTimeoutMs: number;
  };
  readonly rtmp: {
    readonly enabled: boolean;
    /** Empty for all addresses. */
    readonly host: string;
    /** 0 is a free port. */
    readonly port: number;
    readonly chunkSizeBytes: number;
    readonly gopCache: boolean;
    readonly pingIntervalMs: number;
    readonly pingTimeoutMs: number;
    readonly maxConnections: number;
    /** Undefined when RTMPS is off: no certificate is configured. */
    readonly tls: { readonly port: number; readonly certificatePath: string; readonly keyPath: string } | undefined;
  };
  readonly rtsp: {
    readonly enabled: boolean;
    readonly host: string;
    readonly port: number;
    readonly maxConnections: number;
    readonly sessionTimeoutMs: number;
    readonly udp: {
      readonly enabled: boolean;
      /** The first of the pair that all sessions of the first shard share; 0 takes free ones. */
      readonly port: number;
      /** Where each session gets a pair of its own for each track; undefined when they share. */
      readonly ports: PortRange | undefined;
    };
    readonly multicast: {
      readonly enabled: boolean;
      readonly range: MulticastRange;
      readonly port: number;
      readonly ttl: number;
    };
    /** Undefined when RTSPS is off: no certificate is configured. */
    readonly tls: { readonly port: number; readonly certificatePath: string; readonly keyPath: string } | undefined;
  };
  readonly http: {
    readonly enabled: boolean;
    readonly host: string;
    readonly port: number;
    /** `["*"]` for every origin, empty for none, else the origins. */
    readonly allowOrigins: readonly string[];
    readonly maxConnections: number;
  };
  readonly streaming: {
    readonly maxPublishers: number;
    readonly maxStreams: number;
    readonly maxApplications: number;
    readonly idleTimeoutMs: number;
    readonly publisherTimeoutMs: number;
    readonly maxRingBytes: number;
    readonly memoryLimitBytes: number;
    readonly maxLagJumps: number;
    readonly flushIntervalMs: number;
    readonly latencyBudgetMs: number;
  };
  readonly access: {
    readonly publish: AccessRule;
    /** Empty for none. Secret. */
    readonly publishToken: string;
    readonly play: AccessRule;
    /** Empty for none. Secret. */
    readonly playToken: string;
    readonly management: "loopback" | "anyone";
  };
  readonly logging: { readonly level: LogLevel; readonly format: LogFormat };
  /** What is set for single streams: ask `streamSettingsOf`. */
  readonly streams: readonly StreamEntry[];
}

const accessWords: readonly AccessRule[] = ["loopback", "token", "anyone"];

const sections = {
  server: {
    shards: integer({
      default: 0,
      min: 0,
      max: 64,
      doc: "Threads that carry media; 0 is one for each core. With 1, one thread does everything: less memory, and a quicker start.",
    }),
    transport: choice({
      default: "auto",
      words: ["auto", "native", "portable"],
      doc: "What carries the sockets: the native addon (Linux), the portable way through Node.js, or the addon where it works.",
    }),
    shutdown_timeout: duration({
      default: "5s",
      min: "0s",
      max: "10m",
      doc: "How long a stopping server waits for what is on its way before it closes the remaining connections.",
    }),
  },
  rtmp: {
    enabled: flag({ default: true, doc: "Whether the server takes and serves streams over RTMP." }),
    host: host({ default: "", doc: "The address RTMP and RTMPS listen on." }),
    port: integer({ default: 1935, min: 0, max: 65535, doc: "The TCP port of RTMP; 0 takes a free one." }),
    chunk_size: integer({
      default: 60_000,
      min: 128,
      max: 1_048_576,
      unit: "bytes",
      doc: "The size of the chunks the server sends. Large ones cost less; small ones let audio pass a large picture.",
    }),
    gop_cache: flag({
      default: true,
      doc: "Whether a player starts at the newest key frame at once, or waits for the next one.",
    }),
    ping_interval_seconds: integer({
      default: 30,
      min: 1,
      max: 3600,
      unit: "seconds",
      doc: "How often the server asks a connection whether it is still there.",
    }),
    // Twice the interval: one answer that is lost in a bad moment ends nothing.
    ping_timeout_seconds: integer({
      default: 60,
      min: 1,
      max: 3600,
      unit: "seconds",
      doc: "A connection that leaves the server's pings unanswered for this long is closed.",
    }),
    max_connections: integer({
      default: 10_000,
      min: 1,
      max: 1_000_000,
      doc: "Connections over RTMP and RTMPS together; further ones are closed when they arrive.",
    }),
  },
  "rtmp.tls": {
    port: integer({ default: 1936, min: 0, max: 65535, doc: "The TCP port of RTMPS; 0 takes a free one." }),
    certificate: path({
      default: "",
      doc: "The certificate chain in PEM. RTMPS is on when certificate and key are both given.",
    }),
    key: path({ default: "", doc: "The certificate's private key in PEM." }),
  },
  rtsp: {
    enabled: flag({ default: true, doc: "Whether the server takes and serves streams over RTSP." }),
    host: host({ default: "", doc: "The address RTSP and RTSPS listen on." }),
    port: integer({ default: 8554, min: 0, max: 65535, doc: "The TCP port of RTSP; 0 takes a free one." }),
    max_connections: integer({
      default: 10_000,
      min: 1,
      max: 1_000_000,
      doc: "Connections over RTSP and RTSPS together; further ones are closed when they arrive.",
    }),
    session_timeout: duration({
      default: "60s",
      min: "5s",
      max: "1h",
      doc: "A connection that neither asks nor sends anything for this long is closed; one that plays over TCP is not.",
    }),
    udp: flag({
      default: true,
      doc: "Whether clients may publish and play over UDP; when not, they come back over TCP.",
    }),
    // 64 shards have a pair each above it.
    udp_port: integer({
      default: 8000,
      min: 0,
      max: 65_408,
      doc: "The UDP port of RTP, even; RTCP has the next one, and each further shard the next two. 0 takes free ones.",
    }),
    udp_ports: portRange({
      default: "",
      doc: "UDP ports of which each session gets two of its own for each track, as NAT and firewalls like it; empty shares udp_port.",
    }),
    multicast: flag({
      default: false,
      doc: "Whether players may ask for a multicast group, which all who do share.",
    }),
    multicast_range: multicastRange({
      default: "239.255.0.0/16",
      doc: "The multicast groups that streams are sent to, one for each track that is played.",
    }),
    // 256 groups have a pair each.
    multicast_port: integer({
      default: 8500,
      min: 1024,
      max: 65_024,
      doc: "The first of 512 UDP ports for multicast, even: each group has two of them, for RTP and RTCP.",
    }),
    multicast_ttl: integer({
      default: 1,
      min: 0,
      max: 255,
      doc: "How far multicast packets go: 1 is the local network, each router takes one off, 0 does not leave this machine.",
    }),
  },
  "rtsp.tls": {
    port: integer({ default: 8322, min: 0, max: 65535, doc: "The TCP port of RTSPS; 0 takes a free one." }),
    certificate: path({
      default: "",
      doc: "The certificate chain in PEM. RTSPS is on when certificate and key are both given.",
    }),
    key: path({ default: "", doc: "The certificate's private key in PEM." }),
  },
  http: {
    enabled: flag({ default: true, doc: "Whether the server serves HTTP-FLV, WebSocket-FLV, its pages and its API." }),
    host: host({ default: "", doc: "The address HTTP listens on." }),
    port: integer({ default: 8000, min: 0, max: 65535, doc: "The TCP port of HTTP; 0 takes a free one." }),
    allow_origin: webOrigins({
      default: "*",
      doc: "The web sites whose pages may play streams from this server (CORS); an empty list allows none.",
    }),
    max_connections: integer({
      default: 10_000,
      min: 1,
      max: 1_000_000,
      doc: "Connections over HTTP; further ones are closed when they arrive.",
    }),
  },
  streaming: {
    max_publishers: integer({ default: 1000, min: 1, max: 1_000_000, doc: "Publishers at the same time." }),
    max_streams: integer({
      default: 1000,
      min: 1,
      max: 1_000_000,
      doc: "Streams at the same time, with those that wait for their publisher to return.",
    }),
    max_applications: integer({
      default: 100,
      min: 1,
      max: 100_000,
      doc: "Applications at the same time: the first part of a stream's name (live in live/cam).",
    }),
    idle_timeout: duration({
      default: "15s",
      min: "0s",
      max: "1d",
      doc: "How long a stream whose publisher has gone waits, with its players, for the publisher to return.",
    }),
    publisher_timeout: duration({
      default: "10s",
      min: "1s",
      max: "1h",
      doc: "A publisher that sends nothing for this long is disconnected.",
    }),
    // 64 MiB are 20 seconds of 25 Mb/s: the key frame interval of any encoder that is meant for live streaming.
    max_ring: size({
      default: "64MiB",
      min: "1MiB",
      max: "1GiB",
      doc: "The most memory one stream takes per wire format; it holds the pictures since the newest key frame.",
    }),
    memory_limit: size({
      default: "4GiB",
      min: "16MiB",
      max: "16TiB",
      doc: "The most memory all streams take together; what would need more is refused.",
    }),
    // Each jump is a whole ring or GOP behind: five of them are tens of seconds of pictures that nobody saw.
    max_lag_jumps: integer({
      default: 5,
      min: 0,
      max: 1_000_000,
      doc: "How often a player that is too slow may skip to the newest key frame before it is disconnected.",
    }),
    flush_interval: duration({
      default: "0ms",
      min: "0ms",
      max: "1s",
      doc: "The least time between two sends to the same player; 0ms sends each frame at once while the server is not busy.",
    }),
    // 350 ms is what other servers merge by default; a tenth of a second is not noticed.
    latency_budget: duration({
      default: "100ms",
      min: "0ms",
      max: "350ms",
      doc: "How much a busy server may add to a frame's way by sending less often and more at a time.",
    }),
  },
  access: {
    publish: choice({
      default: "loopback",
      words: accessWords,
      doc: "Who may publish: loopback is this machine freely and others with publish_token, token is nobody without it.",
    }),
    publish_token: secret({
      default: "",
      doc: "The credential for publishing, given as ?token=… in the address, over RTSP also as the password; empty is none.",
    }),
    play: choice({
      default: "anyone",
      words: accessWords,
      doc: "Who may play: loopback is this machine freely and others with play_token, token is nobody without it.",
    }),
    play_token: secret({
      default: "",
      doc: "The credential for playing, given as ?token=… in the address, over RTSP also as the password; empty is none.",
    }),
    management: choice({
      default: "loopback",
      words: ["loopback", "anyone"],
      doc: "Who may see and manage the server: statistics, API, dashboard.",
    }),
  },
  logging: {
    level: choice({
      default: "info",
      words: ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
      doc: "The least important lines that are written.",
    }),
    format: choice({
      default: "auto",
      words: ["auto", "pretty", "json"],
      doc: "JSON lines or lines for people; auto is pretty on a terminal and JSON elsewhere.",
    }),
  },
} satisfies Record<string, Record<string, Option>>;

/** Every option by its full key (`rtmp.chunk_size`), in the order of the manual. */
export const options: ReadonlyMap<string, Option> = new Map(
  Object.entries(sections).flatMap(([section, entries]) =>
    Object.entries(entries).map(([name, option]): [string, Option] => [`${section}.${name}`, option]),
  ),
);

/** Every section by its key (`rtmp`, `rtmp.tls`). */
export const sectionNames: ReadonlySet<string> = new Set(Object.keys(sections));

/** Puts the checked values together, deeply frozen. `lookUp` answers for every key of {@link options}. */
export function buildConfig(lookUp: (key: string) => unknown, streams: readonly StreamEntry[]): Config {
  const values = Object.fromEntries(
    Object.entries(sections).map(([section, entries]) => [
      section,
      Object.fromEntries(Object.keys(entries).map((name) => [name, lookUp(`${section}.${name}`)])),
    ]),
  );
  // The schemas of `sections` made the values; TypeScript cannot see it through the strings.
  return freezeDeeply({ ...configOf(values as Values), streams });
}

type Sections = typeof sections;
type Values = {
  [S in keyof Sections]: {
    [K in keyof Sections[S]]: Sections[S][K] extends Option ? z.output<Sections[S][K]["schema"]> : never;
  };
};

function configOf(values: Values): Omit<Config, "streams"> {
  const { server, rtmp, rtsp, http, streaming, access, logging } = values;
  return {
    server: { shards: server.shards, transport: server.transport, shutdownTimeoutMs: server.shutdown_timeout },
    rtmp: {
      enabled: rtmp.enabled,
      host: rtmp.host,
      port: rtmp.port,
      chunkSizeBytes: rtmp.chunk_size,
      gopCache: rtmp.gop_cache,
      pingIntervalMs: rtmp.ping_interval_seconds * 1000,
      pingTimeoutMs: rtmp.ping_timeout_seconds * 1000,
      maxConnections: rtmp.max_connections,
      tls: tlsOf(values["rtmp.tls"]),
    },
    rtsp: {
      enabled: rtsp.enabled,
      host: rtsp.host,
      port: rtsp.port,
      maxConnections: rtsp.max_connections,
      sessionTimeoutMs: rtsp.session_timeout,
      udp: { enabled: rtsp.udp, port: rtsp.udp_port, ports: rtsp.udp_ports },
      multicast: {
        enabled: rtsp.multicast,
        range: rtsp.multicast_range,
        port: rtsp.multicast_port,
        ttl: rtsp.multicast_ttl,
      },
      tls: tlsOf(values["rtsp.tls"]),
    },
    http: {
      enabled: http.enabled,
      host: http.host,
      port: http.port,
      allowOrigins: http.allow_origin,
      maxConnections: http.max_connections,
    },
    streaming: {
      maxPublishers: streaming.max_publishers,
      maxStreams: streaming.max_streams,
      maxApplications: streaming.max_applications,
      idleTimeoutMs: streaming.idle_timeout,
      publisherTimeoutMs: streaming.publisher_timeout,
      maxRingBytes: streaming.max_ring,
      memoryLimitBytes: streaming.memory_limit,
      maxLagJumps: streaming.max_lag_jumps,
      flushIntervalMs: streaming.flush_interval,
      latencyBudgetMs: streaming.latency_budget,
    },
    access: {
      publish: access.publish,
      publishToken: access.publish_token,
      play: access.play,
      playToken: access.play_token,
      management: access.management,
    },
    logging: { level: logging.level, format: logging.format },
  };
}

function tlsOf({ port, certificate, key }: Values["rtmp.tls"]): Config["rtmp"]["tls"] {
  // One without the other is a contradiction, found afterwards.
  return certificate === "" && key === "" ? undefined : { port, certificatePath: certificate, keyPath: key };
}

function freezeDeeply<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freezeDeeply(inner);
  }
  return value;
}
