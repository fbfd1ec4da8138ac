/** Everything a peer can make grow, with the reason for each number. */

/** Characters of a description: a browser's offer of eight sections has 30 KiB, a camera's answer 2 KiB. */
export const maxSdpLength = 65_536;

/** Lines: a browser's section of video has about 120. */
export const maxSdpLines = 2_048;

/** m= lines: a camera has up to four, a recorder with its back channels some more; WebRTC accepts fewer. */
export const maxMediaSections = 16;

/** Payload types of a section: browsers list about 45. */
export const maxPayloadTypes = 64;

/** Channels of an rtpmap: Opus and our own PCM configuration have 8 bits for them. */
export const maxChannels = 255;

/** Channels of "multiopus": its mapping is that of Vorbis (RFC 7845 §5.1.1.2), which ends at 7.1. */
export const maxOpusChannels = 8;

/** Parameter sets of one kind in a description: as many as the payload formats keep. */
export const maxParameterSets = 16;
