/** The values of single attributes: each `parse` gives undefined for what can't be read, each `write` is its reverse. */

import { maxChannels } from "./limits.ts";

/** a=rtpmap without its payload type: RFC 8866 §6.6. */
export interface RtpMap {
  /** As written: names are compared without regard to case. */
  readonly encoding: string;
  /** 0 when it is not told. */
  readonly clockRate: number;
  /** Of sound; undefined when it is not told, which means 1. */
  readonly channels: number | undefined;
}

/** The parameters of a=fmtp; names in lower case. One without "=" has an empty value. */
export type FormatParameters = ReadonlyMap<string, string>;

/** c=: RFC 8866 §5.7. */
export interface Connection {
  readonly version: 4 | 6;
  /** A name or an address of the version. */
  readonly address: string;
  /** Of a multicast group. */
  readonly ttl: number | undefined;
}

/** o=: RFC 8866 §5.2. The two numbers have up to 64 bits. */
export interface Origin {
  readonly username: string;
  readonly sessionId: string;
  readonly sessionVersion: string;
  readonly connection: Connection;
}

/** a=fingerprint: RFC 8122 §5. */
export interface Fingerprint {
  /** In lower case: "sha-256". */
  readonly hash: string;
  /** Pairs of hexadecimal digits in upper case, with colons. */
  readonly digest: string;
}

/** a=rtcp-fb: RFC 4585 §4.2. */
export interface RtcpFeedback {
  /** Undefined for all ("*"). */
  readonly payloadType: number | undefined;
  /** "nack", "nack pli", "ccm fir", "transport-cc" … */
  readonly type: string;
}

/** a=extmap: RFC 8285 §5. */
export interface HeaderExtension {
  readonly id: number;
  readonly direction: Direction | undefined;
  readonly uri: string;
}

/** a=group and a=ssrc-group: RFC 5888 §5, RFC 5576 §4.2. */
export interface Group<Member> {
  readonly semantics: string;
  readonly members: readonly Member[];
}

/** a=rid: RFC 8851 §10. */
export interface Rid {
  readonly id: string;
  readonly direction: "send" | "recv";
  /** As written, empty when there are none. */
  readonly restrictions: string;
}

/** a=simulcast: RFC 8853 §5.1. Streams, each with its alternatives. */
export interface Simulcast {
  readonly send: readonly (readonly SimulcastStream[])[];
  readonly recv: readonly (readonly SimulcastStream[])[];
}

export interface SimulcastStream {
  readonly rid: string;
  readonly isPaused: boolean;
}

export type Direction = "sendrecv" | "sendonly" | "recvonly" | "inactive";
export type Setup = "active" | "passive" | "actpass" | "holdconn";

export function parseDirection(text: string): Direction | undefined {
  return directions.find((direction) => direction === text);
}

export function parseSetup(text: string): Setup | undefined {
  return setups.find((setup) => setup === text);
}

/** A whole number of up to `limit`, or undefined. */
export function parseNumber(text: string | undefined, limit: number): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= limit ? value : undefined;
}

/** A word without spaces of at most 256 characters, or undefined. */
export function parseToken(text: string | undefined): string | undefined {
  return text !== undefined && /^\S{1,256}$/.test(text) ? text : undefined;
}

export function parseRtpMap(text: string): RtpMap | undefined {
  const match = /^([^\s/]{1,64})\s*(?:\/(\d{0,9})(?:\/(\d{0,3}))?)?/.exec(text);
  if (match === null) return undefined;
  const [, encoding = "", clockRate, channels] = match;
  return { encoding, clockRate: Number(clockRate ?? 0), channels: parseNumber(channels, maxChannels) || undefined };
}

export function writeRtpMap({ encoding, clockRate, channels }: RtpMap): string {
  return `${encoding}/${clockRate}${channels === undefined ? "" : `/${channels}`}`;
}

export function parseFormatParameters(text: string): FormatParameters | undefined {
  const parameters = new Map<string, string>();
  for (const part of text.split(";")) {
    const equals = part.indexOf("=");
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    if (name === "" || parameters.has(name)) continue;
    parameters.set(name, equals < 0 ? "" : part.slice(equals + 1).trim());
  }
  return parameters.size > 0 ? parameters : undefined;
}

export function writeFormatParameters(parameters: FormatParameters): string {
  return [...parameters].map(([name, value]) => (value === "" ? name : `${name}=${value}`)).join(";");
}

/** Cameras leave out or misspell the address type, which the address tells as well, and some leave out the address. */
export function parseConnection(text: string): Connection | undefined {
  const match = /^IN\s+(?:(IP[46])\s+)?([0-9A-Za-z.:_-]{1,255})(?:\/(\d{1,3}))?(?:\/\d{1,5})?$/i.exec(text);
  if (match === null) return undefined;
  const [, type, address = "", ttl] = match;
  if (/^IP[46]$/i.test(address)) return undefined;
  const version = (type?.toUpperCase() ?? (address.includes(":") ? "IP6" : "IP4")) === "IP6" ? 6 : 4;
  return { version, address, ttl: parseNumber(ttl, 255) };
}

export function writeConnection({ version, address, ttl }: Connection): string {
  return `IN IP${version} ${address}${ttl === undefined ? "" : `/${ttl}`}`;
}

export function parseOrigin(text: string): Origin | undefined {
  const [, username, sessionId, sessionVersion, rest] = /^(\S{1,256}) (\d{1,20}) (\d{1,20}) (.*)$/.exec(text) ?? [];
  const connection = rest === undefined ? undefined : parseConnection(rest);
  if (username === undefined || sessionId === undefined || sessionVersion === undefined || connection === undefined) {
    return undefined;
  }
  return { username, sessionId, sessionVersion, connection };
}

export function writeOrigin({ username, sessionId, sessionVersion, connection }: Origin): string {
  return `${username} ${sessionId} ${sessionVersion} ${writeConnection(connection)}`;
}

export function parseFingerprint(text: string): Fingerprint | undefined {
  const [, hash, digest] = /^([a-z0-9-]{1,16})\s+([0-9a-f]{2}(?::[0-9a-f]{2}){0,63})$/i.exec(text) ?? [];
  if (hash === undefined || digest === undefined) return undefined;
  return { hash: hash.toLowerCase(), digest: digest.toUpperCase() };
}

export function parseRtcpFeedback(text: string): RtcpFeedback | undefined {
  const [, target, type] = /^(\d{1,3}|\*)\s+(\S.*)$/.exec(text) ?? [];
  if (target === undefined || type === undefined) return undefined;
  const payloadType = target === "*" ? undefined : parseNumber(target, 127);
  if (target !== "*" && payloadType === undefined) return undefined;
  return { payloadType, type: type.trim().replace(/\s+/g, " ") };
}

export function parseHeaderExtension(text: string): HeaderExtension | undefined {
  const [, idText, direction = "", uri] = /^(\d{1,5})(?:\/([a-z]{8}))?\s+(\S{1,256})/.exec(text) ?? [];
  const id = parseNumber(idText, 255);
  if (id === undefined || id === 0 || uri === undefined) return undefined;
  return { id, direction: parseDirection(direction), uri };
}

export function writeHeaderExtension({ id, direction, uri }: HeaderExtension): string {
  return `${id}${direction === undefined ? "" : `/${direction}`} ${uri}`;
}

export function parseGroup(text: string): Group<string> | undefined {
  const [semantics, ...members] = text.split(/\s+/);
  return semantics === undefined || semantics === "" ? undefined : { semantics, members };
}

export function parseSsrcGroup(text: string): Group<number> | undefined {
  const group = parseGroup(text);
  const members = group?.members.map((member) => parseNumber(member, 0xffff_ffff));
  if (group === undefined || members === undefined) return undefined;
  return { semantics: group.semantics, members: members.filter((member) => member !== undefined) };
}

export function writeGroup({ semantics, members }: Group<string | number>): string {
  return [semantics, ...members].join(" ");
}

export function parseRid(text: string): Rid | undefined {
  const [, id, direction, restrictions = ""] = /^([A-Za-z0-9_-]{1,64})\s+(send|recv)(?:\s+(.*))?$/.exec(text) ?? [];
  if (id === undefined || (direction !== "send" && direction !== "recv")) return undefined;
  return { id, direction, restrictions: restrictions.trim() };
}

export function writeRid({ id, direction, restrictions }: Rid): string {
  return `${id} ${direction}${restrictions === "" ? "" : ` ${restrictions}`}`;
}

export function parseSimulcast(text: string): Simulcast | undefined {
  const words = text.split(/\s+/);
  const listAfter = (word: string): SimulcastStream[][] => {
    const at = words.indexOf(word);
    return at < 0 ? [] : parseSimulcastList(words[at + 1] ?? "");
  };
  const simulcast = { send: listAfter("send"), recv: listAfter("recv") };
  return simulcast.send.length + simulcast.recv.length > 0 ? simulcast : undefined;
}

export function writeSimulcast(simulcast: Simulcast): string {
  const write = (direction: "send" | "recv"): string[] => {
    const streams = simulcast[direction].map((stream) =>
      stream.map(({ rid, isPaused }) => (isPaused ? `~${rid}` : rid)).join(","),
    );
    return streams.length === 0 ? [] : [direction, streams.join(";")];
  };
  return [...write("send"), ...write("recv")].join(" ");
}

function parseSimulcastList(text: string): SimulcastStream[][] {
  const streams = text.split(";").map((stream) =>
    stream
      .split(",")
      .filter((rid) => /^~?[A-Za-z0-9_-]{1,64}$/.test(rid))
      .map((rid) => ({ rid: rid.replace("~", ""), isPaused: rid.startsWith("~") })),
  );
  return streams.filter((stream) => stream.length > 0);
}

const directions: readonly Direction[] = ["sendrecv", "sendonly", "recvonly", "inactive"];
const setups: readonly Setup[] = ["active", "passive", "actpass", "holdconn"];
