/**
 * Transport: RFC 2326 §12.39, RFC 7826 §18.54. One value is a list of alternatives, the best first.
 *
 * Parameters come in any order and spelling; one that can't be read counts as absent, because what is absent has to be dealt
 * with anyway (a server without `interleaved`, a camera with `server_port=`). `destination` of a request is never acted upon.
 */

import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTSP_HEADER, ERR_RTSP_TOO_LONG } from "../errors.ts";
import { maxTransports } from "../limits.ts";
import { hasControls, quoted } from "./headers.ts";
import { splitList, splitParameter } from "./parameters.ts";

/** RTP and RTCP: two ports, or two interleaved channels. */
export type NumberPair = readonly [rtp: number, rtcp: number];

export interface RtspTransport {
  /** `RTP/AVP` is what we speak; `RTP/SAVP` and the like are for the caller to refuse. */
  readonly profile: string;
  readonly lower: "tcp" | "udp";
  /** Whether "UDP" was written out, so that an answer can look like its question. */
  readonly isLowerWritten: boolean;
  readonly delivery?: "unicast" | "multicast" | undefined;
  readonly interleaved?: NumberPair | undefined;
  readonly clientPorts?: NumberPair | undefined;
  readonly serverPorts?: NumberPair | undefined;
  /** Of a multicast group. */
  readonly ports?: NumberPair | undefined;
  readonly ttl?: number | undefined;
  readonly mode?: "play" | "record" | undefined;
  readonly ssrc?: number | undefined;
  readonly destination?: string | undefined;
  readonly source?: string | undefined;
}

/** All alternatives, in order. Errors: ERR_RTSP_HEADER, ERR_RTSP_TOO_LONG. */
export function parseTransports(value: string): RtspTransport[] {
  const alternatives = splitList(value, ",");
  if (alternatives.length > maxTransports) {
    throw new CodedError(ERR_RTSP_TOO_LONG, `expected at most ${maxTransports} transports, got ${alternatives.length}`);
  }
  return alternatives.map(parseTransport);
}

export function writeTransport(transport: RtspTransport): string {
  const { lower, delivery, interleaved, clientPorts, serverPorts, ports, ttl, mode, ssrc } = transport;
  const parts = [`${transport.profile}${lower === "tcp" ? "/TCP" : transport.isLowerWritten ? "/UDP" : ""}`];
  if (delivery !== undefined) parts.push(delivery);
  if (transport.destination !== undefined) parts.push(`destination=${transport.destination}`);
  if (transport.source !== undefined) parts.push(`source=${transport.source}`);
  if (interleaved !== undefined) parts.push(`interleaved=${interleaved.join("-")}`);
  if (ports !== undefined) parts.push(`port=${ports.join("-")}`);
  if (clientPorts !== undefined) parts.push(`client_port=${clientPorts.join("-")}`);
  if (serverPorts !== undefined) parts.push(`server_port=${serverPorts.join("-")}`);
  if (ttl !== undefined) parts.push(`ttl=${ttl}`);
  if (ssrc !== undefined) parts.push(`ssrc=${ssrc.toString(16).toUpperCase().padStart(8, "0")}`);
  if (mode !== undefined) parts.push(`mode=${mode}`);
  return parts.join(";");
}

type Writable = { -readonly [K in keyof RtspTransport]: RtspTransport[K] };

function parseTransport(text: string): RtspTransport {
  const found: Partial<Writable> = {};
  for (const item of splitList(text, ";")) {
    const { name, value } = splitParameter(item);
    if (value === undefined) parseWord(name, found);
    else parseParameter(name, value, found);
  }
  const { profile, lower, isLowerWritten } = found;
  if (profile === undefined || lower === undefined || isLowerWritten === undefined) {
    throw new CodedError(ERR_RTSP_HEADER, `expected a transport such as RTP/AVP/TCP, got ${quoted(text)}`);
  }
  return { ...found, profile, lower, isLowerWritten };
}

function parseWord(word: string, found: Partial<Writable>): void {
  if (word === "unicast" || word === "multicast") {
    found.delivery = word;
    return;
  }
  const match = /^(rtp\/s?avpf?)(\/tcp|\/udp)?$/.exec(word);
  if (match === null || found.profile !== undefined) return;
  found.profile = (match[1] as string).toUpperCase();
  found.lower = match[2] === "/tcp" ? "tcp" : "udp";
  found.isLowerWritten = match[2] !== undefined;
}

function parseParameter(name: string, value: string, found: Partial<Writable>): void {
  switch (name) {
    case "interleaved":
      found.interleaved = parsePair(value, 0, 255);
      break;
    case "client_port":
      found.clientPorts = parsePair(value, 1, 65_535);
      break;
    case "server_port":
      found.serverPorts = parsePair(value, 1, 65_535);
      break;
    case "port":
      found.ports = parsePair(value, 1, 65_535);
      break;
    case "ttl":
      found.ttl = parseNumber(value, 0, 255);
      break;
    case "mode":
      found.mode = parseMode(value);
      break;
    case "ssrc":
      if (/^[0-9A-Fa-f]{1,8}$/.test(value)) found.ssrc = Number.parseInt(value, 16);
      break;
    case "destination":
    case "source":
      if (/^[^\s;,="]+$/.test(value) && !hasControls(value)) found[name] = value;
      break;
    default:
      break; // layers, append, setup, connection, …: of no consequence here
  }
}

/** `5` alone means 5 and 6. */
function parsePair(value: string, min: number, max: number): NumberPair | undefined {
  const [first = "", second, ...others] = value.split("-");
  const rtp = parseNumber(first, min, max);
  const rtcp = second === undefined ? (rtp ?? max) + 1 : parseNumber(second, min, max);
  if (rtp === undefined || rtcp === undefined || rtcp > max || rtp === rtcp || others.length > 0) return undefined;
  return [rtp, rtcp];
}

function parseNumber(text: string, min: number, max: number): number | undefined {
  const digits = text.trim();
  if (!/^[0-9]{1,5}$/.test(digits)) return undefined;
  const number = Number(digits);
  return number >= min && number <= max ? number : undefined;
}

/** `mode="PLAY"`, `mode=record`, and QuickTime's `mode=receive`. */
function parseMode(value: string): "play" | "record" | undefined {
  const mode = value.toLowerCase();
  if (mode === "receive" || mode === "record") return "record";
  return mode === "play" ? "play" : undefined;
}
