/** What can be wrong with an RTSP peer. */

/** Bytes that are no RTSP message: the start line, the syntax of a header, a control character, a missing CSeq. */
export const ERR_RTSP_MESSAGE = "ERR_RTSP_MESSAGE";

/** A message of another version than 1.x. */
export const ERR_RTSP_VERSION = "ERR_RTSP_VERSION";

/** A header block, an address or a list in a header beyond its limit. */
export const ERR_RTSP_TOO_LONG = "ERR_RTSP_TOO_LONG";

/** A Content-Length that is not a number, or not one number. */
export const ERR_RTSP_CONTENT_LENGTH = "ERR_RTSP_CONTENT_LENGTH";

/** A body longer than `maxBodyBytes`. */
export const ERR_RTSP_BODY_TOO_LONG = "ERR_RTSP_BODY_TOO_LONG";

/** A header whose value can't be read: Transport, Session, Authorization, WWW-Authenticate, Range. */
export const ERR_RTSP_HEADER = "ERR_RTSP_HEADER";

/** Server only: more requests, or bytes of them, wait for the answer to the first than a connection may have waiting. */
export const ERR_RTSP_PIPELINE = "ERR_RTSP_PIPELINE";

/** Server only: too many refused credentials on one connection. */
export const ERR_RTSP_CREDENTIALS = "ERR_RTSP_CREDENTIALS";

/** The peer did not finish a message, did nothing, or did not show that it is alive, in time. */
export const ERR_RTSP_TIMEOUT = "ERR_RTSP_TIMEOUT";

/** An address that is not `rtsp://[user:password@]host[:port]/path[?query]`. */
export const ERR_RTSP_URL = "ERR_RTSP_URL";

/** Client only: the server refused; the message holds its words. */
export const ERR_RTSP_REFUSED = "ERR_RTSP_REFUSED";

/** Client only: the server wants credentials and there are none, or it did not take them. */
export const ERR_RTSP_UNAUTHORIZED = "ERR_RTSP_UNAUTHORIZED";

/** Client only: the server's transport is not one of those that were asked for. */
export const ERR_RTSP_TRANSPORT = "ERR_RTSP_TRANSPORT";

/** Client only: more redirections than `maxRedirects`, or one without an address. */
export const ERR_RTSP_REDIRECT = "ERR_RTSP_REDIRECT";

/** Tunnel over HTTP: a request that is neither half of a tunnel, or a body that is not base64. */
export const ERR_RTSP_TUNNEL = "ERR_RTSP_TUNNEL";
