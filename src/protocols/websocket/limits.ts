/** What a WebSocket player may send. */

/** Bytes of a message: players have nothing to say, and a close frame's reason is 123 bytes at most. */
export const maxMessageBytes = 4_096;

/** Bytes of a control frame's payload, RFC 6455 §5.5. */
export const maxControlBytes = 125;
