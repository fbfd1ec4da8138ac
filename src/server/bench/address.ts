/** What is put under load, as the command line names it. */

import { CodedError } from "../../bytes/coded-error.ts";
import { parseRtmpUrl } from "../../protocols/rtmp/url.ts";
import { parseRtspUrl } from "../../protocols/rtsp/url.ts";
import { ERR_BENCH_ADDRESS } from "./errors.ts";

export interface RtmpAddress {
  readonly protocol: "rtmp";
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

export interface RtspAddress {
  readonly protocol: "rtsp";
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

export interface FlvAddress {
  readonly protocol: "http-flv" | "ws-flv";
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** With its query. */
  readonly path: string;
  /** Host and port, as a request names them. */
  readonly authority: string;
}

export type BenchAddress = RtmpAddress | RtspAddress | FlvAddress;

/** Errors: ERR_BENCH_ADDRESS, ERR_RTMP_URL, ERR_RTSP_URL. */
export function parseBenchAddress(text: string): BenchAddress {
  if (/^rtmps?:/i.test(text)) {
    const { host, port, isTls } = parseRtmpUrl(text);
    if (isTls) throw encrypted("rtmp");
    return { protocol: "rtmp", host, port, url: text };
  }
  if (/^rtsps?:/i.test(text)) {
    const { host, port, isTls } = parseRtspUrl(text);
    if (isTls) throw encrypted("rtsp");
    return { protocol: "rtsp", host, port, url: text };
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const protocol = url?.protocol === "http:" ? "http-flv" : url?.protocol === "ws:" ? "ws-flv" : undefined;
  if (url === undefined || protocol === undefined || !url.pathname.endsWith(".flv") || url.username !== "") {
    throw new CodedError(
      ERR_BENCH_ADDRESS,
      "expected rtmp://host/app/name, rtsp://host/app/name, http://host:port/app/name.flv or ws://host:port/app/name.flv",
    );
  }
  return {
    protocol,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 80 : Number(url.port),
    url: url.href,
    path: `${url.pathname}${url.search}`,
    authority: url.host,
  };
}

/** Where to publish what `address` plays: there, or over RTMP the stream of the same name on its usual port. */
export function publishUrl(address: BenchAddress): string {
  if (address.protocol === "rtmp" || address.protocol === "rtsp") return address.url;
  const { hostname, pathname, search } = new URL(address.url);
  return `rtmp://${hostname}:1935${pathname.slice(0, -".flv".length)}${search}`;
}

function encrypted(scheme: string): CodedError {
  return new CodedError(ERR_BENCH_ADDRESS, `expected ${scheme}://…: encrypted connections are not put under load`);
}
