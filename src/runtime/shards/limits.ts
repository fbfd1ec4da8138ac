/** What the threads of one server may ask of each other. */

/** Messages on their way from one thread to another: all players of a full process that join at once. */
export const maxQueuedMessages = 32_768;

/** How long a thread may take to answer: far beyond any load, short enough for whoever waits to be told. */
export const callTimeoutMs = 10_000;

/** Logs that one thread reads from one other: streams times wire formats. */
export const maxForeignLogs = 16_384;

/** The same for where a stream is: it may have to be fetched first, which an operator allows at most 30 s. */
export const playTimeoutMs: number = 30_000 + callTimeoutMs;
