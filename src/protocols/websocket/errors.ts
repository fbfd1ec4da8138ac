/** WebSocket error codes. */

/** The opening handshake is not one (RFC 6455 §4.2.1). */
export const ERR_WEBSOCKET_HANDSHAKE = "ERR_WEBSOCKET_HANDSHAKE";
/** A frame that the protocol does not allow (RFC 6455 §5.2). */
export const ERR_WEBSOCKET_FRAME = "ERR_WEBSOCKET_FRAME";
/** A message longer than players have reason to send. */
export const ERR_WEBSOCKET_TOO_LONG = "ERR_WEBSOCKET_TOO_LONG";
