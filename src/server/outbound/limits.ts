/** How often and how long the server tries to reach others, each number with its reason. */

/** Tries follow each other this closely at first, so that whoever restarts is found within a second. */
export const quickRetryMs = 500;

/** For this long: a restart of a camera's or server's program; a refused connection each half second costs nobody anything. */
export const quickPhaseMs = 15_000;

/** Then each wait is twice the one before, up to this. */
export const maxRetryMs = 30_000;

/** After a refused password: cameras lock accounts after five to seven wrong ones within half an hour. */
export const unauthorizedRetryMs = 30_000;
export const maxUnauthorizedRetryMs = 600_000;

/** What ran for so long was well: what comes after it is a new failure, and not a further one. */
export const goodRunMs = 5_000;

/** A name that takes longer to resolve will not help a live stream. */
export const resolveTimeoutMs = 2_000;

/** Addresses of one name that are tried, one after the other. */
export const maxAddresses = 4;

/** Until the connection stands, TLS included: across the world it takes 0.3 s, a lost SYN is sent again after 1 s and 3 s. */
export const connectTimeoutMs = 5_000;

/** How often deadlines are looked at. */
export const tickIntervalMs = 100;

/** Tries for two UDP ports beside each other: the neighbour of a free one is taken once in a while. */
export const maxPortAttempts = 10;

/** Packets over UDP that come before the answer to PLAY, and are kept for it: a key frame of 300 KB. */
export const maxEarlyDatagrams = 256;
