/** One media section: the m= line (RFC 8866 §5.14) and what stands behind it. */

import { CodedError } from "../../bytes/coded-error.ts";
import {
  type Connection,
  type Direction,
  type Fingerprint,
  type FormatParameters,
  type Group,
  type HeaderExtension,
  parseConnection,
  parseDirection,
  parseFingerprint,
  parseFormatParameters,
  parseHeaderExtension,
  parseNumber,
  parseRid,
  parseRtcpFeedback,
  parseRtpMap,
  parseSetup,
  parseSimulcast,
  parseSsrcGroup,
  parseToken,
  type Rid,
  type RtcpFeedback,
  type RtpMap,
  type Setup,
  type Simulcast,
  writeConnection,
  writeFormatParameters,
  writeGroup,
  writeHeaderExtension,
  writeRid,
  writeRtpMap,
  writeSimulcast,
} from "./attributes.ts";
import { type Candidate, parseCandidate, writeCandidate } from "./candidate.ts";
import { ERR_SDP_LIMIT, ERR_SDP_SYNTAX } from "./errors.ts";
import { maxPayloadTypes } from "./limits.ts";

/** What stands in a section or, for all of them, before the first. Where both have it, the section counts. */
export interface SharedDescription {
  readonly connection: Connection | undefined;
  /** When absent it is sendrecv for WebRTC; RTSP has no use for it but to mark back channels (sendonly). */
  readonly direction: Direction | undefined;
  readonly iceUfrag: string | undefined;
  readonly icePwd: string | undefined;
  readonly iceOptions: readonly string[];
  readonly candidates: readonly Candidate[];
  readonly hasEndOfCandidates: boolean;
  readonly fingerprints: readonly Fingerprint[];
  readonly setup: Setup | undefined;
  readonly headerExtensions: readonly HeaderExtension[];
  /** a=extmap-allow-mixed: RFC 8285 §6. */
  readonly mayMixExtensions: boolean;
}

export interface MediaDescription extends SharedDescription {
  /** "video", "audio", "application" …, as written. */
  readonly kind: string;
  /** 0 when the section is rejected (WebRTC), not yet agreed on (RTSP), or nonsense. */
  readonly port: number;
  /** As written: "RTP/AVP", "UDP/TLS/RTP/SAVPF" … */
  readonly protocol: string;
  readonly payloadTypes: readonly number[];
  /** Formats that are no payload types, such as "webrtc-datachannel". */
  readonly otherFormats: readonly string[];
  /** b=AS, in kbit/s. */
  readonly bandwidthKbps: number | undefined;
  readonly rtpMaps: ReadonlyMap<number, RtpMap>;
  readonly formatParameters: ReadonlyMap<number, FormatParameters>;
  /** Of RTSP: an address, whole or relative to the session's. */
  readonly control: string | undefined;
  readonly mid: string | undefined;
  /** a=msid: a stream's and a track's name, the latter empty when absent (RFC 8830). */
  readonly msids: readonly { readonly streamId: string; readonly trackId: string }[];
  readonly hasRtcpMux: boolean;
  /** a=rtcp-rsize: RFC 5506. */
  readonly hasReducedRtcp: boolean;
  readonly rtcpFeedback: readonly RtcpFeedback[];
  /** a=ssrc: attributes of each (RFC 5576 §4.1). */
  readonly ssrcs: ReadonlyMap<number, ReadonlyMap<string, string>>;
  readonly ssrcGroups: readonly Group<number>[];
  readonly rids: readonly Rid[];
  readonly simulcast: Simulcast | undefined;
  readonly sctpPort: number | undefined;
}

export const plainShared: SharedDescription = {
  connection: undefined,
  direction: undefined,
  iceUfrag: undefined,
  icePwd: undefined,
  iceOptions: [],
  candidates: [],
  hasEndOfCandidates: false,
  fingerprints: [],
  setup: undefined,
  headerExtensions: [],
  mayMixExtensions: false,
};

/** To be spread and filled in: what is not said there is absent. */
export const plainMedia: MediaDescription = {
  ...plainShared,
  kind: "video",
  port: 0,
  protocol: "RTP/AVP",
  payloadTypes: [],
  otherFormats: [],
  bandwidthKbps: undefined,
  rtpMaps: new Map(),
  formatParameters: new Map(),
  control: undefined,
  mid: undefined,
  msids: [],
  hasRtcpMux: false,
  hasReducedRtcp: false,
  rtcpFeedback: [],
  ssrcs: new Map(),
  ssrcGroups: [],
  rids: [],
  simulcast: undefined,
  sctpPort: undefined,
};

/**
 * Parses a section. `media` is the value of its m= line, `lines` those behind it; `session` is what holds for all sections.
 * Of what may stand there once the first is taken. Errors: ERR_SDP_SYNTAX, ERR_SDP_LIMIT.
 */
export function parseMediaDescription(
  media: string,
  lines: readonly SdpLine[],
  session: SharedDescription,
): MediaDescription {
  const head = parseMediaLine(media);
  const collected = new MediaCollector();
  const shared = new SharedCollector();
  for (const line of lines) if (!shared.take(line)) collected.take(line);
  return { ...head, ...shared.finish(session), ...collected.finish() };
}

/** Lines of the section, without what it has in common with `session`. */
export function writeMediaDescription(media: MediaDescription): SdpLine[] {
  const formats = [...media.payloadTypes, ...media.otherFormats];
  const lines: SdpLine[] = [["m", `${media.kind} ${media.port} ${media.protocol} ${formats.join(" ") || "0"}`]];
  if (media.connection !== undefined) lines.push(["c", writeConnection(media.connection)]);
  if (media.bandwidthKbps !== undefined) lines.push(["b", `AS:${media.bandwidthKbps}`]);
  const attribute = (name: string, value?: string | number): void => {
    lines.push(["a", value === undefined ? name : `${name}:${value}`]);
  };
  if (media.mid !== undefined) attribute("mid", media.mid);
  lines.push(...writeShared(media));
  for (const { streamId, trackId } of media.msids)
    attribute("msid", trackId === "" ? streamId : `${streamId} ${trackId}`);
  if (media.hasRtcpMux) attribute("rtcp-mux");
  if (media.hasReducedRtcp) attribute("rtcp-rsize");
  for (const [payloadType, rtpMap] of media.rtpMaps) attribute("rtpmap", `${payloadType} ${writeRtpMap(rtpMap)}`);
  for (const { payloadType = "*", type } of media.rtcpFeedback) attribute("rtcp-fb", `${payloadType} ${type}`);
  for (const [payloadType, parameters] of media.formatParameters) {
    attribute("fmtp", `${payloadType} ${writeFormatParameters(parameters)}`);
  }
  for (const rid of media.rids) attribute("rid", writeRid(rid));
  if (media.simulcast !== undefined) attribute("simulcast", writeSimulcast(media.simulcast));
  for (const group of media.ssrcGroups) attribute("ssrc-group", writeGroup(group));
  for (const [ssrc, attributes] of media.ssrcs) {
    for (const [name, value] of attributes) attribute("ssrc", `${ssrc} ${name}${value === "" ? "" : `:${value}`}`);
  }
  if (media.sctpPort !== undefined) attribute("sctp-port", media.sctpPort);
  if (media.control !== undefined) attribute("control", media.control);
  return lines;
}

/** Attributes that may stand at both places. */
export function writeShared(shared: SharedDescription): SdpLine[] {
  const lines: SdpLine[] = [];
  const attribute = (name: string, value?: string): void => {
    lines.push(["a", value === undefined ? name : `${name}:${value}`]);
  };
  if (shared.direction !== undefined) attribute(shared.direction);
  if (shared.iceUfrag !== undefined) attribute("ice-ufrag", shared.iceUfrag);
  if (shared.icePwd !== undefined) attribute("ice-pwd", shared.icePwd);
  if (shared.iceOptions.length > 0) attribute("ice-options", shared.iceOptions.join(" "));
  for (const { hash, digest } of shared.fingerprints) attribute("fingerprint", `${hash} ${digest}`);
  if (shared.setup !== undefined) attribute("setup", shared.setup);
  if (shared.mayMixExtensions) attribute("extmap-allow-mixed");
  for (const extension of shared.headerExtensions) attribute("extmap", writeHeaderExtension(extension));
  for (const candidate of shared.candidates) attribute("candidate", writeCandidate(candidate));
  if (shared.hasEndOfCandidates) attribute("end-of-candidates");
  return lines;
}

/** A line: its letter, and what stands behind "=", without spaces around it. */
export type SdpLine = readonly [type: string, value: string];

/** Name and value of an a= line; the value is empty when there is none. */
export function splitAttribute(line: string): { name: string; value: string } {
  const colon = line.indexOf(":");
  if (colon < 0) return { name: line.trim(), value: "" };
  return { name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() };
}

/** Collects what may stand at both places. */
export class SharedCollector {
  readonly #found: { -readonly [Key in keyof SharedDescription]: SharedDescription[Key] } = { ...plainShared };
  readonly #candidates: Candidate[] = [];
  readonly #fingerprints: Fingerprint[] = [];
  readonly #extensions: HeaderExtension[] = [];

  /** False when the line is of another kind. */
  take([type, line]: SdpLine): boolean {
    const found = this.#found;
    if (type === "c") found.connection ??= parseConnection(line);
    if (type !== "a") return false;
    const { name, value } = splitAttribute(line);
    const direction = parseDirection(name);
    if (direction !== undefined) {
      found.direction ??= direction;
      return true;
    }
    switch (name) {
      case "ice-ufrag":
        found.iceUfrag ??= parseToken(value);
        return true;
      case "ice-pwd":
        found.icePwd ??= parseToken(value);
        return true;
      case "ice-options":
        if (found.iceOptions.length === 0) found.iceOptions = value.split(/\s+/).filter((option) => option !== "");
        return true;
      case "setup":
        found.setup ??= parseSetup(value);
        return true;
      case "fingerprint":
        putIf(this.#fingerprints, parseFingerprint(value));
        return true;
      case "candidate":
        putIf(this.#candidates, parseCandidate(value));
        return true;
      case "end-of-candidates":
        found.hasEndOfCandidates = true;
        return true;
      case "extmap":
        this.#putExtension(parseHeaderExtension(value));
        return true;
      case "extmap-allow-mixed":
        found.mayMixExtensions = true;
        return true;
      default:
        return false;
    }
  }

  /** What was found, and where nothing was, what `session` has. */
  finish(session: SharedDescription): SharedDescription {
    const found = this.#found;
    const firstFilled = <T>(own: readonly T[], inherited: readonly T[]): readonly T[] =>
      own.length > 0 ? own : inherited;
    for (const extension of session.headerExtensions) this.#putExtension(extension);
    return {
      connection: found.connection ?? session.connection,
      direction: found.direction ?? session.direction,
      iceUfrag: found.iceUfrag ?? session.iceUfrag,
      icePwd: found.icePwd ?? session.icePwd,
      iceOptions: firstFilled(found.iceOptions, session.iceOptions),
      candidates: firstFilled(this.#candidates, session.candidates),
      hasEndOfCandidates: found.hasEndOfCandidates || session.hasEndOfCandidates,
      fingerprints: firstFilled(this.#fingerprints, session.fingerprints),
      setup: found.setup ?? session.setup,
      headerExtensions: this.#extensions,
      mayMixExtensions: found.mayMixExtensions || session.mayMixExtensions,
    };
  }

  #putExtension(extension: HeaderExtension | undefined): void {
    if (this.#extensions.every(({ id }) => id !== extension?.id)) putIf(this.#extensions, extension);
  }
}

/** Collects what stands in sections only. */
class MediaCollector {
  #bandwidthKbps: number | undefined;
  #control: string | undefined;
  #mid: string | undefined;
  #hasRtcpMux = false;
  #hasReducedRtcp = false;
  #simulcast: Simulcast | undefined;
  #sctpPort: number | undefined;
  readonly #rtpMaps = new Map<number, RtpMap>();
  readonly #formatParameters = new Map<number, FormatParameters>();
  readonly #msids: { streamId: string; trackId: string }[] = [];
  readonly #rtcpFeedback: RtcpFeedback[] = [];
  readonly #ssrcs = new Map<number, Map<string, string>>();
  readonly #ssrcGroups: Group<number>[] = [];
  readonly #rids: Rid[] = [];

  take([type, line]: SdpLine): void {
    if (type === "b") this.#bandwidthKbps ??= parseNumber(/^AS:\s*(\d+)$/.exec(line)?.[1], 0xffff_ffff);
    if (type === "a") this.#takeAttribute(line);
  }

  finish(): Omit<
    MediaDescription,
    keyof SharedDescription | "kind" | "port" | "protocol" | "payloadTypes" | "otherFormats"
  > {
    return {
      bandwidthKbps: this.#bandwidthKbps,
      rtpMaps: this.#rtpMaps,
      formatParameters: this.#formatParameters,
      control: this.#control,
      mid: this.#mid,
      msids: this.#msids,
      hasRtcpMux: this.#hasRtcpMux,
      hasReducedRtcp: this.#hasReducedRtcp,
      rtcpFeedback: this.#rtcpFeedback,
      ssrcs: this.#ssrcs,
      ssrcGroups: this.#ssrcGroups,
      rids: this.#rids,
      simulcast: this.#simulcast,
      sctpPort: this.#sctpPort,
    };
  }

  #takeAttribute(line: string): void {
    const { name, value } = splitAttribute(line);
    switch (name) {
      case "rtpmap":
        takeOfPayloadType(this.#rtpMaps, value, parseRtpMap);
        break;
      case "fmtp":
        takeOfPayloadType(this.#formatParameters, value, parseFormatParameters);
        break;
      case "control":
        this.#control ??= value === "" ? undefined : value;
        break;
      case "mid":
        this.#mid ??= parseToken(value);
        break;
      case "msid": {
        const [streamId = "", trackId = ""] = value.split(/\s+/);
        if (streamId !== "") this.#msids.push({ streamId, trackId });
        break;
      }
      case "rtcp-mux":
        this.#hasRtcpMux = true;
        break;
      case "rtcp-rsize":
        this.#hasReducedRtcp = true;
        break;
      case "rtcp-fb":
        putIf(this.#rtcpFeedback, parseRtcpFeedback(value));
        break;
      case "ssrc":
        this.#takeSsrc(value);
        break;
      case "ssrc-group":
        putIf(this.#ssrcGroups, parseSsrcGroup(value));
        break;
      case "rid":
        putIf(this.#rids, parseRid(value));
        break;
      case "simulcast":
        this.#simulcast ??= parseSimulcast(value);
        break;
      case "sctp-port":
        this.#sctpPort ??= parseNumber(value, 65_535);
        break;
    }
  }

  #takeSsrc(text: string): void {
    const space = text.indexOf(" ");
    const ssrc = parseNumber(space < 0 ? text : text.slice(0, space), 0xffff_ffff);
    if (ssrc === undefined || space < 0) return;
    const { name, value } = splitAttribute(text.slice(space + 1));
    if (name === "") return;
    const attributes = this.#ssrcs.get(ssrc) ?? new Map<string, string>();
    this.#ssrcs.set(ssrc, attributes);
    if (!attributes.has(name)) attributes.set(name, value);
  }
}

/** Fields may be apart by more than one space, and the port may be followed by how many there are. */
function parseMediaLine(
  text: string,
): Pick<MediaDescription, "kind" | "port" | "protocol" | "payloadTypes" | "otherFormats"> {
  const [kind = "", portText = "", protocol = "", ...formats] = text.split(/\s+/);
  if (formats.length === 0) {
    throw new CodedError(
      ERR_SDP_SYNTAX,
      "expected an m= line of kind, port, protocol and formats (m=video 0 RTP/AVP 96)",
    );
  }
  if (formats.length > maxPayloadTypes) {
    throw new CodedError(
      ERR_SDP_LIMIT,
      `a media section has ${formats.length} formats, at most ${maxPayloadTypes} are read`,
    );
  }
  const payloadTypes = new Set<number>();
  const otherFormats = new Set<string>();
  for (const format of formats) {
    const payloadType = parseNumber(format, 127);
    if (payloadType === undefined) otherFormats.add(format);
    else payloadTypes.add(payloadType);
  }
  const port = parseNumber(portText.split("/", 1)[0], 65_535) ?? 0;
  return { kind, port, protocol, payloadTypes: [...payloadTypes], otherFormats: [...otherFormats] };
}

/** The value of an attribute that begins with a payload type. */
function takeOfPayloadType<T>(found: Map<number, T>, text: string, parse: (text: string) => T | undefined): void {
  const [, payloadTypeText, rest] = /^(\d{1,3})\s+(.*)$/.exec(text) ?? [];
  const payloadType = parseNumber(payloadTypeText, 127);
  const value = rest === undefined ? undefined : parse(rest);
  if (payloadType !== undefined && value !== undefined && !found.has(payloadType)) found.set(payloadType, value);
}

function putIf<T>(list: T[], value: T | undefined): void {
  if (value !== undefined) list.push(value);
}
