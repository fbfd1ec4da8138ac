/**
 * RTMP addresses: `rtmp://host[:port]/app/name[?query]`. No RFC has them; this is what FFmpeg and librtmp understand.
 *
 * The name is what follows the last slash, the app all before it. A query may hang on the app, on the name, or on both.
 * Whether app and name make a stream's key is decided by the kernel's grammar, not here.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_RTMP_URL } from "./errors.ts";

export interface RtmpUrl {
  readonly isTls: boolean;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  readonly app: string;
  /** Without its query. */
  readonly name: string;
  /** Without "?"; empty when there is none. */
  readonly query: string;
  /** What `connect` carries: the address up to the app. */
  readonly tcUrl: string;
}

/** Errors: ERR_RTMP_URL. */
export function parseRtmpUrl(url: string): RtmpUrl {
  const match = urlPattern.exec(url);
  if (match === null) {
    throw new CodedError(ERR_RTMP_URL, "expected rtmp://host[:port]/app/name[?query] or rtmps://…");
  }
  const [, scheme = "", authority = "", host = "", portText, path = "", query = ""] = match;
  const isTls = scheme.toLowerCase() === "rtmps";
  const port = portText === undefined ? (isTls ? defaultTlsPort : defaultPort) : Number(portText);
  if (port < 1 || port > 65_535) throw new CodedError(ERR_RTMP_URL, `expected a port of 1 to 65535, got ${portText}`);
  const slash = path.lastIndexOf("/");
  if (slash < 1 || slash === path.length - 1) {
    throw new CodedError(ERR_RTMP_URL, "expected an app and a stream name behind the host: rtmp://host/app/name");
  }
  const app = path.slice(0, slash);
  return {
    isTls,
    host: host.startsWith("[") ? host.slice(1, -1) : host,
    port,
    app,
    name: path.slice(slash + 1),
    query,
    tcUrl: `${scheme.toLowerCase()}://${authority}/${app}`,
  };
}

/** Splits `text` at its first question mark. */
export function splitQuery(text: string): { path: string; query: string } {
  const mark = text.indexOf("?");
  return mark < 0 ? { path: text, query: "" } : { path: text.slice(0, mark), query: text.slice(mark + 1) };
}

/**
 * One query out of the stream name's and the app's. The name's comes first: who takes the first of two equal keys gets the more
 * specific one.
 */
export function joinQueries(nameQuery: string, appQuery: string): string {
  if (nameQuery === "" || appQuery === "") return nameQuery + appQuery;
  return `${nameQuery}&${appQuery}`;
}

/** Scheme, authority without credentials (host, port), path, query. No fragment: stream names may not have "#" anyway. */
const urlPattern =
  /^(rtmps?):\/\/((\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?)\/([^?#\s]*)(?:\?([^#\s]*))?$/i;

const defaultPort = 1935;
/** As nginx and the large platforms have it; our own listener's default, 1936, is always written out. */
const defaultTlsPort = 443;
