/** What goes wrong with connections that the server begins. */

/** A name that the server should call has no address, or none in time. */
export const ERR_RESOLVE = "ERR_RESOLVE";

/** Nobody takes the connection that the server begins, or it breaks. */
export const ERR_CONNECT = "ERR_CONNECT";

/** The certificate of a server that is called is not the one of the configuration, or of nobody who is known. */
export const ERR_PEER_CERTIFICATE = "ERR_PEER_CERTIFICATE";

/** A server that is called sends us where it may not. */
export const ERR_REDIRECT_FORBIDDEN = "ERR_REDIRECT_FORBIDDEN";

/** A source that has said it plays sends nothing. */
export const ERR_SOURCE_SILENT = "ERR_SOURCE_SILENT";

/** The server that a stream is forwarded to does not take it as it is sent, or as fast. */
export const ERR_FORWARD_REFUSED = "ERR_FORWARD_REFUSED";

/** The stream that is forwarded is not there, or not there any more. */
export const ERR_FORWARD_STREAM = "ERR_FORWARD_STREAM";

/** There are no UDP ports to receive a source on. */
export const ERR_UDP_PORTS = "ERR_UDP_PORTS";
