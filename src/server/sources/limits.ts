/** What players can make the server fetch, with the reason for each number. */

/** Sources of patterns at once, those that wait to be closed included: as many as there may be streams by default. */
export const maxPatternSources = 1_000;

/** Of these, those that have sent nothing yet: whoever asks for names that do not exist must not flood the machine that has them. */
export const maxStartingPatternSources = 50;

/** Tries for two UDP ports beside each other: the neighbour of a free one is taken once in a while. */
export const maxPortAttempts = 10;

/** Packets over UDP that come before the answer to PLAY, and are kept for it: a key frame of 300 KB. */
export const maxEarlyDatagrams = 256;

/** Nothing came over UDP for so long: it does not get through. A key frame is not waited for, any packet will do. */
export const udpSilenceMs = 3_000;
