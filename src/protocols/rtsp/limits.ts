/** Everything a peer can make grow or wait, with the reason for each number. */

/** Start line and headers together: real ones are below 2 KiB, those with a token of a large identity provider below 16. */
export const maxHeadBytes = 0x1_0000;

/** Headers of one message: the most talkative clients (QuickTime, RealPlayer) send about 15. */
export const maxHeaders = 100;

/** Of a request: a name of at most 512 bytes, a query of at most 4,096 (tokens), and the host. */
export const maxUrlLength = 5_120;

/** A body is a session description: of a large multitrack stream some 8 KiB. */
export const maxBodyBytes = 0x1_0000;

/** Bytes between two messages that are none, from a camera that loses some: one interleaved frame is at most this long. */
export const maxSkippedBytes = 0x1_0000;

/** Requests that wait for the answer to the first one: the longest real pipeline is a SETUP for each track, and PLAY. */
export const maxWaitingRequests = 100;
/** All of them together: a session description and a hundred ordinary requests. */
export const maxWaitingBytes = 0x2_0000;

/** Tracks of one presentation. Cameras have 2 or 3 (video, audio, metadata); channels would last for 128. */
export const maxTracks = 16;

/** Alternatives in one Transport header: GStreamer sends 3. */
export const maxTransports = 16;

/** Parameters of one header: a Transport or Digest has at most 12. */
export const maxParameters = 64;

/** A client's UDP ports: nothing that listens below is an RTP receiver. */
export const minClientPort = 1_024;

/** 401 answers to credentials, not to their absence, on one connection; a person who mistypes needs three. */
export const maxRefusedCredentials = 10;

/** A nonce proves that its holder was here a moment ago. It is bound to the connection besides. */
export const nonceLifetimeMs = 60_000;

/** Nonces of one connection that are still good: one for each 401, of which a client needs one or two at a time. */
export const maxNonces = 4;

/** From the first byte of a message to its last: 64 KiB at 64 kbit/s. */
export const messageTimeoutMs = 10_000;

/** Silence of a connection without media, or over TCP with it; RFC 2326 §12.37 has 60 s as its default. */
export const sessionTimeoutMs = 60_000;

/** The same over UDP: a player that vanished must not be flooded for longer. */
export const udpSessionTimeoutMs = 30_000;

/** A client waits this long for an answer; cameras that open a sensor first take up to 5 s. */
export const responseTimeoutMs = 10_000;

/** A client that is told another address each time gives up after this many. */
export const maxRedirects = 5;

/** Credentials for one request: one try for each challenge, one more when the nonce was stale. */
export const maxAuthorizations = 3;

/** Media that comes before the answer to PLAY: about 2 s at 1 Mb/s. Later media is dropped until the answer. */
export const maxEarlyMediaBytes = 0x4_0000;
/** What a packet costs there besides its bytes, so that empty ones are bounded too. */
export const earlyPacketOverheadBytes = 64;

/** A keep-alive is sent after half of the server's timeout, but never more often than this. */
export const minKeepAliveMs = 1_000;

/** A head of an HTTP tunnel request: QuickTime's has 300 bytes. */
export const maxTunnelHeadBytes = 8_192;

/** `x-sessioncookie`: QuickTime's has 22 characters, live555's 32. */
export const maxCookieLength = 128;
