/** The server's own error codes. */

/** A mistake of ours ended one session. */
export const ERR_INTERNAL = "ERR_INTERNAL";
/** A page, asset or address that this server does not have. */
export const ERR_HTTP_NOT_FOUND = "ERR_HTTP_NOT_FOUND";
/** Management from an address that may not. */
export const ERR_HTTP_FORBIDDEN = "ERR_HTTP_FORBIDDEN";
/** A web page of another site, which `http.allow_origin` does not name. */
export const ERR_HTTP_ORIGIN = "ERR_HTTP_ORIGIN";
/** A request that is not HTTP, or that no route here takes as it is. */
export const ERR_HTTP_REQUEST = "ERR_HTTP_REQUEST";
/** A request line and headers of more than 16 KiB. */
export const ERR_HTTP_HEADER_TOO_LARGE = "ERR_HTTP_HEADER_TOO_LARGE";
/** A request that was not complete in time. */
export const ERR_HTTP_TIMEOUT = "ERR_HTTP_TIMEOUT";
/** The certificate or its key can't be read or does not fit. */
export const ERR_CERTIFICATE = "ERR_CERTIFICATE";
/** A track that RTSP can't carry, or that this server can't take, beside others that it can. */
export const ERR_RTSP_TRACK_LEFT_OUT = "ERR_RTSP_TRACK_LEFT_OUT";
/** An encrypted connection on the port of plain RTSP. */
export const ERR_RTSP_TLS_ON_PLAIN_PORT = "ERR_RTSP_TLS_ON_PLAIN_PORT";
