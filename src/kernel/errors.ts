/** The kernel's error codes: what an embedder or a bridge may be told. */

/** The name is not `app/name` in the grammar of stream-name.ts. */
export const ERR_STREAM_NAME = "ERR_STREAM_NAME";
/** Somebody publishes this stream already. */
export const ERR_STREAM_BUSY = "ERR_STREAM_BUSY";
/** Nobody publishes this stream. */
export const ERR_STREAM_NOT_FOUND = "ERR_STREAM_NOT_FOUND";
/** The authenticator said no. */
export const ERR_NOT_AUTHORIZED = "ERR_NOT_AUTHORIZED";
/** A configured limit (publishers, streams, applications, tracks) is reached. */
export const ERR_LIMIT_REACHED = "ERR_LIMIT_REACHED";
/** The memory for rings and frames is used up. */
export const ERR_MEMORY_LIMIT = "ERR_MEMORY_LIMIT";
/** The engine is shutting down. */
export const ERR_ENGINE_CLOSED = "ERR_ENGINE_CLOSED";
/** An entry does not fit into the largest ring that the configuration allows. */
export const ERR_LOG_ENTRY_TOO_LARGE = "ERR_LOG_ENTRY_TOO_LARGE";
/** The packetizer of a wire format failed by a mistake of ours, and its log was given up. */
export const ERR_LOG_BROKEN = "ERR_LOG_BROKEN";
/** A subscriber fell too far behind too often. */
export const ERR_SUBSCRIBER_EVICTED = "ERR_SUBSCRIBER_EVICTED";
/** The publication is over; nothing more can be published with it. */
export const ERR_PUBLICATION_ENDED = "ERR_PUBLICATION_ENDED";
