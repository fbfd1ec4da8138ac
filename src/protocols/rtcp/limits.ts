/** Everything a peer can make grow with RTCP, with the reason for each number. */

/** Packets of one compound: a report, a description and some feedback are 4; a mixer of 31 sources has some more. */
export const maxRtcpPackets = 64;

/** Sequence numbers of one NACK: browsers ask for at most 253 in one go, and keep 1,000 in all. */
export const maxNackedPackets = 1_024;

/** Packets that one transport-wide feedback tells of: at 100 ms and 1,200 bytes, 80 Mb/s. */
export const maxFeedbackPackets = 1_024;

/** Items of one SDES chunk: there are 8 kinds. */
export const maxSdesItems = 16;
