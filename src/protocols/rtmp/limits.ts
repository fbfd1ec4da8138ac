/** Everything a peer can make grow or wait, with the reason for each number. */

/** A whole handshake is 3 KiB and one round trip and a half; 5 s is ten round trips of a satellite link. */
export const handshakeTimeoutMs = 5_000;

/** From the end of the handshake, or of the last stream, to `publish` or `play`: at most five round trips for real clients. */
export const commandTimeoutMs = 10_000;

/** The size before any Set Chunk Size, §5.4.1. */
export const defaultChunkSize = 128;

/** Larger declared sizes are clamped; real encoders use 4,096 to 65,536, a few 0x7fffffff to say "do not cut". */
export const maxChunkSize = 0x10_0000;

/** Real peers use at most 8; ids go up to 65,599. */
export const maxChunkStreams = 64;

/** Incomplete messages of one connection together: the longest possible message fits. */
export const maxPartialBytes = 0x100_0000;

/** The same before a publish is accepted: commands are below 4 KiB, and nobody has been authorised yet. */
export const maxPartialBytesBeforePublish = 0x1_0000;

/** The first allocation for a message that is not at hand yet; it doubles from there as bytes arrive. */
export const initialMessageBytes = 0x1_0000;

/**
 * What a publisher sends between two reads shares a piece of memory, which grows to what one read brings: some messages at first, and
 * at most as much as the transport hands over at once. Longer messages have memory of their own.
 */
export const initialPieceBytes = 0x2000;
export const sharedPieceBytes = 0x1_0000;

/**
 * Every chunk costs one credit; bytes of messages and time earn them. A peer with the default chunk size of 128 always earns
 * more than it spends; one with chunks of one byte has spent everything after 128 KiB. (Measured: a chunk of one byte costs 17 ns,
 * per byte 16 times as much as chunks of 128; so 64 a millisecond are 0.1 % of a core.)
 */
export const chunkCreditMax = 65_536;
/** Payload bytes that earn one credit: a chunk of this size is free. */
export const bytesPerChunkCredit = 64;
/** Earned by waiting: 64,000 chunks a second, ten times what the busiest audio track with the shortest frames needs. */
export const chunkCreditsPerMs = 64;

/** `connect` of OBS has 1 KiB; what else clients put there (cookies, page addresses) stays below 8 KiB. */
export const maxCommandBytes = 0x1_0000;

/** Metadata with the key frame index of a recorded file is up to some hundred KiB. */
export const maxDataBytes = 0x10_0000;

/** NetStreams of one connection: players use one, a few browsers' players two. */
export const maxMessageStreams = 8;

/** `app`, and a stream name with its query: tokens (JWT) are long, names are not. The name's own bound is the kernel's grammar. */
export const maxNameBytes = 512;
export const maxQueryBytes = 4_096;

/** Other strings of `connect` that are kept: tcUrl (with its query), flashVer. */
export const maxConnectStringBytes = 4_608;

/** Entries of `fourCcList` and the FourCC maps; E-RTMP v2 names 13 codecs. */
export const maxFourCcEntries = 64;

/** Media kept between `publish` and the decision about it: about 2 s at 1 Mb/s. Later media is dropped until the decision. */
export const maxPendingMediaBytes = 0x4_0000;
/** What a message costs there besides its payload, so that empty ones are bounded too. */
export const pendingMessageOverheadBytes = 256;

/** Messages of one aggregate: FMS puts at most some seconds of a stream into one. */
export const maxAggregateMessages = 4_096;

/** Acknowledgement windows are never taken smaller: a window of 1 would ask for an answer to every packet. */
export const minAcknowledgementWindow = 4_096;

/** Answers that are kept to be sent again, of a listener: most servers have fewer streams that many people join at the same time. */
export const maxKnownReplies = 64;
