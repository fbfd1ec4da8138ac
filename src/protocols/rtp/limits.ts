/** Everything a sender of RTP can make grow or wait, with the reason for each number. */

/** Bytes of one access unit: a 4K key frame of a 100 Mb/s stream has 2 MiB. */
export const maxFrameBytes = 0x80_0000;

/** What a reader keeps between frames for the next one; a buffer that a large key frame made is given back. */
export const maxIdleFrameBytes = 0x4_0000;

/** Parameter sets of one kind of one track: x264 has 1, encoders that switch between several have up to 4 of each. */
export const maxParameterSets = 16;

/** Packets behind a gap that wait for it to close: at 1,200 bytes 40 Mb/s of the delay below. */
export const maxReorderPackets = 512;

/** Packets that are asked for again at once: a burst of 100 ms at 8 Mb/s. Where more are missing, a key frame is the smaller repair. */
export const maxMissingPackets = 64;

/** How long a gap may wait when nobody says otherwise: reordering in networks is below 20 ms, Wi-Fi repeats for up to 100 ms. */
export const defaultReorderDelayMs = 100;

/** Bytes that wait behind a gap: the packets above, each of an Ethernet frame. Interleaved over TCP nothing is reordered. */
export const maxReorderBytes: number = maxReorderPackets * 1_500;

/** A step forward of this many sequence numbers is loss, a larger one a restart: RFC 3550 A.1 (MAX_DROPOUT). */
export const maxDropout = 3_000;

/** A step back of this many is a late packet, a larger one a restart: RFC 3550 A.1 (MAX_MISORDER), and all that may wait. */
export const maxMisorder = 512;

/** Header extension elements of one packet: WebRTC uses at most 8. */
export const maxHeaderExtensions = 16;

/** Bytes of one frame of sound in several packets: no AU-size, AC-3 or MPEG audio header can say more than 65,535. */
export const maxSoundFrameBytes = 0x1_0000;

/**
 * Payloads that go on as they came: what FFmpeg sends over TCP, and with its headers an Ethernet frame over UDP and IPv4. Other
 * publishers over TCP send up to 64 KiB, which no player over UDP could be given.
 */
export const maxRelayedPayloadBytes = 1_460;

/** Packets of one access unit before its picture, that wait for it: delimiter, parameter sets and SEI in packets of their own are 6. */
export const maxHeldPackets = 32;

/** Bytes of these: parameter sets are some hundred, SEI with captions and the encoder's settings up to 4 KiB. */
export const maxHeldBytes = 0x4000;

/**
 * A line that has lost nothing for so long is taken for one that loses nothing. Lines with 0.1 % of loss lose a packet of a 2 Mb/s
 * stream every five seconds.
 */
export const trustDelayMs = 10_000;
