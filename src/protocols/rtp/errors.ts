/** What can be wrong with RTP packets and their payloads. Besides these: ERR_TRUNCATED and the table of codecs. */

/** Not an RTP packet: another version, or a list, extension or padding that is longer than the packet. */
export const ERR_RTP_HEADER = "ERR_RTP_HEADER";

/** A payload that is not as its format says: a reserved type, a fragment without its beginning, a size of 0. */
export const ERR_RTP_PAYLOAD = "ERR_RTP_PAYLOAD";

/** A part of a payload format that no live sender uses and that is not implemented: interleaving, PACI … */
export const ERR_RTP_PAYLOAD_UNSUPPORTED = "ERR_RTP_PAYLOAD_UNSUPPORTED";

/** An access unit that grows above `maxFrameBytes`. */
export const ERR_RTP_FRAME_TOO_LONG = "ERR_RTP_FRAME_TOO_LONG";

/** A frame that can't be cut to packets: the payload format, or the mode that was agreed on, has no fragments. */
export const ERR_RTP_NOT_FRAGMENTABLE = "ERR_RTP_NOT_FRAGMENTABLE";
