/** What can be wrong with an RTMP peer. Besides these: ERR_TRUNCATED and the table of AMF. */

/** The first byte (C0, S0) is not version 3: another protocol, or RTMPE, which is not supported. */
export const ERR_RTMP_VERSION = "ERR_RTMP_VERSION";

/** A chunk whose header relies on an earlier one of its chunk stream, and there was none. */
export const ERR_RTMP_CHUNK_ORDER = "ERR_RTMP_CHUNK_ORDER";

/** A single chunk longer than `maxChunkSize`. */
export const ERR_RTMP_CHUNK_TOO_LONG = "ERR_RTMP_CHUNK_TOO_LONG";

/** More than `maxChunkStreams` chunk streams. */
export const ERR_RTMP_TOO_MANY_CHUNK_STREAMS = "ERR_RTMP_TOO_MANY_CHUNK_STREAMS";

/** Incomplete messages hold more memory than the connection may use now. */
export const ERR_RTMP_PARTIAL_BYTES = "ERR_RTMP_PARTIAL_BYTES";

/** Far more chunks than bytes: work without content (see `chunkCreditMax`). */
export const ERR_RTMP_CHUNKS_TOO_SMALL = "ERR_RTMP_CHUNKS_TOO_SMALL";

/** A Set Chunk Size of 0 or with the top bit set. */
export const ERR_RTMP_CHUNK_SIZE = "ERR_RTMP_CHUNK_SIZE";

/** A control message whose fields cannot be. */
export const ERR_RTMP_CONTROL = "ERR_RTMP_CONTROL";

/** A command or data message that is longer than its limit, or that is not AMF in the form RTMP wants. */
export const ERR_RTMP_COMMAND = "ERR_RTMP_COMMAND";

/** A command argument that is missing, too long, or of another type. */
export const ERR_RTMP_COMMAND_ARGUMENT = "ERR_RTMP_COMMAND_ARGUMENT";

/** A command that does not fit the state: before `connect`, twice, or on a stream that is already in use. */
export const ERR_RTMP_COMMAND_ORDER = "ERR_RTMP_COMMAND_ORDER";

/** An aggregate message that does not consist of whole tags, or of too many. */
export const ERR_RTMP_AGGREGATE = "ERR_RTMP_AGGREGATE";

/** The handshake was not complete in time. */
export const ERR_RTMP_HANDSHAKE_TIMEOUT = "ERR_RTMP_HANDSHAKE_TIMEOUT";

/** The peer neither published nor played in time. */
export const ERR_RTMP_COMMAND_TIMEOUT = "ERR_RTMP_COMMAND_TIMEOUT";

/** Nothing came after a ping request, not even its answer. */
export const ERR_RTMP_PING_TIMEOUT = "ERR_RTMP_PING_TIMEOUT";

/** Client only: the server refused to connect, publish or play; the message holds its words. */
export const ERR_RTMP_REFUSED = "ERR_RTMP_REFUSED";

/** An address that is not `rtmp://host[:port]/app/name[?query]`. */
export const ERR_RTMP_URL = "ERR_RTMP_URL";
