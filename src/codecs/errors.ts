/** What a malformed bitstream or configuration is refused with. Running out of bytes is ERR_TRUNCATED (bytes/coded-error.ts). */

/** A frame is not cut into NAL units or OBUs as its framing says. */
export const ERR_CODEC_FRAMING = "ERR_CODEC_FRAMING";

/** A parameter set or sequence header is not of the expected kind, or contradicts its standard. */
export const ERR_CODEC_PARAMETER_SET = "ERR_CODEC_PARAMETER_SET";

/** A decoder configuration (avcC, hvcC, vvcC, av1C, vpcC, AudioSpecificConfig, OpusHead, STREAMINFO) is malformed. */
export const ERR_CODEC_CONFIG = "ERR_CODEC_CONFIG";

/** The header at the start of a frame is malformed or has a reserved value. */
export const ERR_CODEC_FRAME_HEADER = "ERR_CODEC_FRAME_HEADER";

/** A value is above what its standard allows or what limits.ts accepts. */
export const ERR_CODEC_LIMIT = "ERR_CODEC_LIMIT";

/** A part of the standard that no live encoder uses and that is not implemented. */
export const ERR_CODEC_UNSUPPORTED = "ERR_CODEC_UNSUPPORTED";
