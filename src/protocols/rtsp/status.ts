/** Status codes and their words: RFC 2326 §7.1.1, RFC 7826 §17. */

export const status = {
  ok: 200,
  badRequest: 400,
  unauthorized: 401,
  forbidden: 403,
  notFound: 404,
  methodNotAllowed: 405,
  notAcceptable: 406,
  requestEntityTooLarge: 413,
  requestUriTooLong: 414,
  unsupportedMediaType: 415,
  parameterNotUnderstood: 451,
  notEnoughBandwidth: 453,
  sessionNotFound: 454,
  methodNotValidInThisState: 455,
  aggregateOperationNotAllowed: 459,
  onlyAggregateOperationAllowed: 460,
  unsupportedTransport: 461,
  internalServerError: 500,
  notImplemented: 501,
  serviceUnavailable: 503,
  versionNotSupported: 505,
  optionNotSupported: 551,
} as const;

export type RtspStatus = (typeof status)[keyof typeof status];

/** What a driver may refuse a request with. */
export type RtspRejection = Exclude<RtspStatus, 200>;

export const reasons: Readonly<Record<RtspStatus, string>> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  413: "Request Entity Too Large",
  414: "Request-URI Too Long",
  415: "Unsupported Media Type",
  451: "Parameter Not Understood",
  453: "Not Enough Bandwidth",
  454: "Session Not Found",
  455: "Method Not Valid in This State",
  459: "Aggregate Operation Not Allowed",
  460: "Only Aggregate Operation Allowed",
  461: "Unsupported Transport",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  505: "RTSP Version Not Supported",
  551: "Option not supported",
};
