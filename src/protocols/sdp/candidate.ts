/** a=candidate: RFC 8839 §5.1, and RFC 6544 §4.5 for TCP. */

import { parseNumber } from "./attributes.ts";

export interface Candidate {
  readonly foundation: string;
  /** 1 RTP, or everything with rtcp-mux; 2 RTCP. */
  readonly component: number;
  /** In lower case: "udp" or "tcp"; others are to be passed over. */
  readonly transport: string;
  readonly priority: number;
  /** An address, or a name: browsers hide addresses behind names that end in ".local". */
  readonly address: string;
  readonly port: number;
  /** "host", "srflx", "prflx" or "relay"; others are to be passed over. */
  readonly type: string;
  /** "active", "passive" or "so", of TCP. */
  readonly tcpType: string | undefined;
}

/** Parses the value with or without "candidate:" in front; undefined when it can't be read. */
export function parseCandidate(text: string): Candidate | undefined {
  const words = text.replace(/^candidate:/, "").split(/\s+/);
  const [foundation = "", componentText, transport = "", priorityText, address = "", portText, typ, type = ""] = words;
  const component = parseNumber(componentText, 256);
  const priority = parseNumber(priorityText, 0xffff_ffff);
  const port = parseNumber(portText, 65_535);
  if (component === undefined || priority === undefined || port === undefined || typ !== "typ") return undefined;
  if (!/^[A-Za-z0-9+/]{1,32}$/.test(foundation) || !/^[A-Za-z0-9-]{1,16}$/.test(transport)) return undefined;
  if (!/^[0-9A-Za-z.:_-]{1,255}$/.test(address) || !/^[a-z]{1,16}$/.test(type)) return undefined;
  // The rest are pairs of a name and a value: raddr, rport, tcptype, generation …
  let tcpType: string | undefined;
  for (let i = 8; i + 1 < words.length; i += 2) if (words[i] === "tcptype") tcpType ??= words[i + 1];
  if (tcpType !== undefined && !/^[a-z]{1,16}$/.test(tcpType)) tcpType = undefined;
  return { foundation, component, transport: transport.toLowerCase(), priority, address, port, type, tcpType };
}

/** The value without "candidate:". */
export function writeCandidate(candidate: Candidate): string {
  const { foundation, component, transport, priority, address, port, type, tcpType } = candidate;
  const fields = [foundation, component, transport, priority, address, port, "typ", type];
  return [...fields, ...(tcpType === undefined ? [] : ["tcptype", tcpType])].join(" ");
}
