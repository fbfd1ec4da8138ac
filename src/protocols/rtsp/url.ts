/**
 * RTSP addresses: RFC 2326 §3.2, and how the address of a track comes out of its `a=control` (§C.1.1), which is not how
 * RFC 3986 resolves references: a relative control is hung on the end of the base, behind a query too, because that is what
 * FFmpeg, live555 and GStreamer do and what servers expect.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { attempt } from "./attempt.ts";
import { ERR_RTSP_URL } from "./errors.ts";

export interface RtspUrl {
  readonly isTls: boolean;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  /** Without the first slash; as it is written, percent signs included. */
  readonly path: string;
  /** Without "?"; empty when there is none. */
  readonly query: string;
  /** Decoded; undefined when the address has none. */
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** What requests carry: the address without credentials. */
  readonly requestUrl: string;
}

/** Errors: ERR_RTSP_URL, which does not repeat the address: it may hold a secret. */
export function parseRtspUrl(url: string): RtspUrl {
  const match = urlPattern.exec(url);
  if (match === null) {
    throw new CodedError(ERR_RTSP_URL, "expected rtsp://[user:password@]host[:port]/path[?query] or rtsps://…");
  }
  const [, schemeText = "", userInfo, authority = "", host = "", portText, slashPath = "", query = ""] = match;
  const scheme = schemeText.toLowerCase();
  const isTls = scheme === "rtsps";
  const port = portText === undefined ? (isTls ? defaultTlsPort : defaultPort) : Number(portText);
  if (port < 1 || port > 65_535) throw new CodedError(ERR_RTSP_URL, `expected a port of 1 to 65535, got ${portText}`);
  const colon = userInfo?.indexOf(":") ?? -1;
  const username = colon < 0 ? userInfo : userInfo?.slice(0, colon);
  const password = colon < 0 ? undefined : userInfo?.slice(colon + 1);
  return {
    isTls,
    host: host.startsWith("[") ? host.slice(1, -1) : host,
    port,
    path: slashPath.slice(1),
    query,
    username: decode(username),
    password: username === undefined ? undefined : (decode(password) ?? ""),
    requestUrl: `${scheme}://${authority}${slashPath}${query === "" ? "" : `?${query}`}`,
  };
}

/** What a request asks for. */
export interface RequestTarget {
  /** Without slashes at its ends. */
  readonly path: string;
  readonly query: string;
}

/**
 * The path and query of a request's address: absolute, or only a path as some clients behind proxies send it. "*" has an
 * empty path. Errors: ERR_RTSP_URL.
 */
export function parseRequestTarget(url: string): RequestTarget {
  const match = /^(?:rtsp[su]?:\/\/[^/?#]*)?(\/[^?#]*)?(?:\?([^#]*))?$/i.exec(url === "*" ? "/" : url);
  if (match === null) throw new CodedError(ERR_RTSP_URL, "expected an address such as rtsp://host/path, or a path");
  const [, path = "", query = ""] = match;
  return { path: trimSlashes(path), query };
}

/** The base of a description whose request was for `target`: every way to hang a control on it is found again. */
export function contentBaseOf(requestUrl: string): string {
  const { query } = parseRequestTarget(requestUrl);
  const mark = requestUrl.indexOf("?");
  const base = mark < 0 ? requestUrl : requestUrl.slice(0, mark);
  return `${base.replace(/\/+$/, "")}/${query === "" ? "" : `?${query}/`}`;
}

/**
 * Whether `target` is the address of a track with this `control` under the presentation `base`: `base/control`,
 * `base/control?query`, `base?query/control`, `base/?query/control`, or what an absolute control says.
 */
export function isTrackTarget(target: RequestTarget, base: RequestTarget, control: string): boolean {
  if (/^rtsp[su]?:\/\//i.test(control)) {
    const wanted = attempt(() => parseRequestTarget(control));
    return wanted !== undefined && wanted.path === target.path && trimEnd(wanted.query) === trimEnd(target.query);
  }
  const name = trimSlashes(control);
  const path = `/${target.path}`;
  const inPath = path.endsWith(`/${name}`) && trimSlashes(path.slice(0, -name.length)) === base.path;
  const inQuery = target.path === base.path && target.query.length > 0 && trimEnd(target.query).endsWith(`/${name}`);
  return inPath || inQuery;
}

/** Whether `target` is the presentation itself. */
export function isSameTarget(target: RequestTarget, base: RequestTarget): boolean {
  return target.path === base.path && (trimEnd(target.query) === trimEnd(base.query) || target.query === "");
}

/** The address of a track for a client. `control` undefined or "*": the base itself. */
export function resolveControl(base: string, control: string | undefined): string {
  if (control === undefined || control === "" || control === "*") return base;
  if (/^rtsp[su]?:\/\//i.test(control)) return control;
  if (control.startsWith("?")) return base + control;
  if (!control.startsWith("/")) return base.endsWith("/") ? base + control : `${base}/${control}`;
  // A path from the root when it repeats the base's own; else servers mean it to follow the base.
  const authority = /^rtsp[su]?:\/\/[^/?#]*/i.exec(base)?.[0] ?? "";
  const { path } = parseRequestTarget(base);
  return path !== "" && control.startsWith(`/${path}`) ? authority + control : base.replace(/\/+$/, "") + control;
}

function trimSlashes(path: string): string {
  return trimEnd(path.replace(/^\/+/, ""));
}

function trimEnd(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === "/") end--;
  return path.slice(0, end);
}

/** Percent signs that decode to nothing stay as they are: passwords are full of surprises. */
function decode(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Scheme, user information (up to the last "@" before the path), authority (host, port), path, query. */
const urlPattern =
  /^(rtsps?):\/\/(?:([^\s\p{Cc}/?#]*)@)?((\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?)(\/[^?#\s\p{Cc}]*)?(?:\?([^#\s\p{Cc}]*))?$/iu;

/** RFC 2326 §3.2, RFC 7826 §22.4. Our own listeners' defaults are always written out. */
const defaultPort = 554;
const defaultTlsPort = 322;
