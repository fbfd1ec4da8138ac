/** The load generator's error codes: what it says of servers, and of what it was asked to do. */

/** An address that is not one of the protocols that can be put under load. */
export const ERR_BENCH_ADDRESS = "ERR_BENCH_ADDRESS";
/** A load that this machine or this process can't make, or that needs leave. */
export const ERR_BENCH_REFUSED = "ERR_BENCH_REFUSED";
/** What the server sent is not framed as its protocol says. */
export const ERR_BENCH_FRAMING = "ERR_BENCH_FRAMING";
/** The server's answer to a request over HTTP was not media. */
export const ERR_BENCH_HTTP = "ERR_BENCH_HTTP";
/** The server took longer than a person would wait. */
export const ERR_BENCH_TIMEOUT = "ERR_BENCH_TIMEOUT";
/** The server closed a connection that was to stay. */
export const ERR_BENCH_CLOSED = "ERR_BENCH_CLOSED";
