/** What a bitstream may ask for. */

/** Pixels of width or height. 8K is 8,192 and a 360° picture twice that; more is an attack on whoever allocates pictures. */
export const maxPictureSide = 16_384;

/** Frames in a decoder's picture buffer: H.264 §A.3.1 and H.265 §A.4.2 both end at 16. */
export const maxDpbFrames = 16;

/** Bytes of one parameter set: its length has 16 bits in every configuration record. */
export const maxParameterSetBytes = 65_535;

/** NAL units of one access unit. A drone sends 48; a 600 KB key frame cut to slices of one 1,200-byte packet has 500. */
export const maxNalUnitsPerAccessUnit = 512;

/** OBUs of one temporal unit: a frame has at most 64 tile groups (AV1 §A.3 allows 128 tiles), a unit a few frames. */
export const maxObusPerTemporalUnit = 512;

/** Frames per second above which the timing in a bitstream is not believed: phones write 90,000 there. */
export const maxPlausibleFps = 1_000;

/** Samples per second: the largest that FLAC can express (20 bits, and 10 Hz units in its frame header). */
export const maxSampleRateHz = 655_350;

/** Bits of what a LATM multiplex puts beside its access units; 3GPP's ancillary data have some hundred. */
export const maxLatmBits = 65_536;
