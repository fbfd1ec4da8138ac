/** What a configuration may cost before it is refused. */

/** A file of 1,000 streams with ten settings each is 400 KB. */
export const maxFileBytes: number = 1024 * 1024;

/** A PEM chain is 10 KB; a mounted secret is a line. */
export const maxSecretFileBytes: number = 64 * 1024;

/** Nested tables and arrays, and the parts of one dotted key. The deepest option has three parts. */
export const maxDepth = 32;

/** Problems written out; the rest is counted. Nobody reads further, and each one may search for the nearest name. */
export const maxProblems = 50;

/** How much of a foreign name or value a message repeats, in UTF-16 units. */
export const maxQuotedLength = 64;

/** Names longer than this get no "did you mean": the longest option has 27 characters. */
export const maxComparedLength = 48;

/** Entries for single streams and patterns: each is looked at when a stream comes or is asked for. */
export const maxStreamEntries = 10_000;

/** Servers that one stream is sent on to: each takes as much of the line as a player. */
export const maxForwards = 32;
