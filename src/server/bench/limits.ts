/** The bounds of a load, and of what a server can make the generator keep. */

/** Players or publishers of one run: a process may have 20,000 descriptors on most machines, and needs some for itself. */
export const maxPlayers = 19_000;

/** Descriptors that are not players: the addon, /proc, the decoder, and those that the transport keeps in reserve. */
export const ownDescriptors = 160;

/** Joins a second: more than one core can make. */
export const maxRatePerSecond = 20_000;

/** An hour; longer soaks are several runs. */
export const maxSeconds = 3_600;

/** Of the published stream: contribution feeds of 2160p. */
export const maxBitRate = 50_000_000;
/** Of the published stream: pictures need a header, and sound too. */
export const minBitRate = 64_000;

/** Decoders beside the load: each takes a share of a core. */
export const maxSampled = 16;

/** Connections that are being made at one time: half of a usual accept backlog. More only measures the queue. */
export const maxConnecting = 512;

/** From connect() to the first media byte: what a viewer waits, ten times over. */
export const joinTimeoutMs = 10_000;

/** Local addresses that are used in turn, 127.0.0.1 to 127.0.0.32: 7,500 connections a second stay below 14,116 of each in a minute. */
export const localAddressCount = 32;

/** A response head: Node's own limit. */
export const maxHeadBytes = 16_384;

/** A command or control message. Servers' are below 1 KiB; media and metadata are not kept and may have any length. */
export const maxKeptMessageBytes = 8_192;

/** Chunk streams of one player: servers use five. */
export const chunkStreamsPerPlayer = 8;

/** Tracks of one RTSP player: pictures and sound, and one more of each. */
export const tracksPerPlayer = 4;

/** UDP ports of players: below are those of services, above those that systems give out. */
export const firstUdpPort = 10_000;
export const lastUdpPort = 31_999;

/** A body, or a head, of an RTSP server: descriptions of large streams have 8 KiB. */
export const maxRtspMessageBytes = 65_536;

/** Different reasons of failure that are told apart; what comes after is counted as the last one. */
export const maxFailureReasons = 32;

/** `/stats` of a server with 19,000 streams is some 20 MB. */
export const maxStatsBytes = 64_000_000;
export const statsTimeoutMs = 5_000;
