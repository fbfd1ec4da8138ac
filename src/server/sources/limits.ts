/** What players can make the server fetch, with the reason for each number. */

/** Sources of patterns at once, those that wait to be closed included: as many as there may be streams by default. */
export const maxPatternSources = 1_000;

/** Of these, those that have sent nothing yet: whoever asks for names that do not exist must not flood the machine that has them. */
export const maxStartingPatternSources = 50;

/** Nothing came over UDP for so long: it does not get through. A key frame is not waited for, any packet will do. */
export const udpSilenceMs = 3_000;
