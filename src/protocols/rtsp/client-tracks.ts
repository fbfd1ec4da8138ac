/**
 * The tracks of a client: what was asked for, what the server made of it, and whose packets come on which channel. Servers answer
 * with other channels than were asked for, with the same ones for every track, with none, or without a Transport at all.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { attempt } from "./attempt.ts";
import type { ReadyTrack, RtspClientTrack } from "./client-events.ts";
import { ERR_RTSP_TRANSPORT } from "./errors.ts";
import type { RtspHeaders } from "./message/headers.ts";
import { parseRtpInfo, type RtpInfo } from "./message/rtp-info.ts";
import { type NumberPair, parseTransports, type RtspTransport, writeTransport } from "./message/transport.ts";

export class ClientTracks {
  readonly #wanted: readonly RtspClientTrack[];
  readonly #transports: (Pick<ReadyTrack, "transport" | "ssrc"> | undefined)[] = [];
  /** Channel → track index; -1: nobody's. */
  readonly #channels = new Int16Array(256).fill(-1);

  constructor(wanted: readonly RtspClientTrack[]) {
    this.#wanted = wanted;
  }

  /** The first track that is not set up yet. */
  get nextIndex(): number {
    return this.#transports.length;
  }

  get isComplete(): boolean {
    return this.#transports.length === this.#wanted.length;
  }

  get isAnyUdp(): boolean {
    return this.#transports.some((each) => each?.transport.kind === "udp");
  }

  /** -1: a channel that nobody has set up. */
  findChannel(channel: number): number {
    return this.#channels[channel] as number;
  }

  channelOf(trackIndex: number, kind: "rtp" | "rtcp"): number | undefined {
    const transport = this.#transports[trackIndex]?.transport;
    return transport?.kind === "tcp" ? transport.channels[kind === "rtp" ? 0 : 1] : undefined;
  }

  /** Transport of the next SETUP. */
  request(isTcp: boolean, isRecord: boolean): string {
    const asked = this.#asked(isTcp);
    return writeTransport({ ...asked, mode: isRecord ? "record" : undefined });
  }

  /** Takes the answer to that SETUP. Errors: ERR_RTSP_TRANSPORT. */
  handleAnswer(headers: RtspHeaders, isTcp: boolean): void {
    const asked = this.#asked(isTcp);
    const answered = answeredTransport(headers);
    const isAnsweredUdp = answered?.lower === "udp" && answered.interleaved === undefined;
    if (asked.lower === "tcp" && isAnsweredUdp && answered.serverPorts !== undefined) {
      throw new CodedError(ERR_RTSP_TRANSPORT, "expected packets over TCP, the server chose UDP");
    }
    const ssrc = answered?.ssrc;
    if (asked.lower === "tcp" || answered?.lower === "tcp") {
      const channels = this.#freeChannels(answered?.interleaved, asked.interleaved);
      for (const channel of channels) this.#channels[channel] = this.nextIndex;
      this.#transports.push({ transport: { kind: "tcp", channels }, ssrc });
    } else {
      const { serverPorts, source } = answered ?? {};
      const clientPorts = asked.clientPorts as NumberPair;
      this.#transports.push({ transport: { kind: "udp", clientPorts, serverPorts, source }, ssrc });
    }
  }

  /** All tracks, with what RTP-Info in the answer to PLAY says; `urls` are those of their SETUPs. */
  ready(headers: RtspHeaders, urls: readonly string[]): ReadyTrack[] {
    const infos = rtpInfosOf(headers);
    return this.#transports.map((track, i) => {
      const url = urls[i] ?? "";
      const info =
        infos.find((each) => each.url === url) ??
        infos.find((each) => url.endsWith(`/${each.url}`) || each.url.endsWith(`/${this.#wanted[i]?.control}`)) ??
        (infos.length === this.#transports.length ? infos[i] : undefined);
      const { transport, ssrc } = track as Pick<ReadyTrack, "transport" | "ssrc">;
      return { transport, ssrc, sequenceNumber: info?.sequenceNumber, rtpTime: info?.rtpTime };
    });
  }

  #asked(isTcp: boolean): RtspTransport {
    const clientPorts = this.#wanted[this.nextIndex]?.clientPorts;
    const base = { profile: "RTP/AVP", isLowerWritten: false, delivery: "unicast" } as const;
    if (!isTcp && clientPorts !== undefined) return { ...base, lower: "udp", clientPorts };
    return { ...base, lower: "tcp", interleaved: [2 * this.nextIndex, 2 * this.nextIndex + 1] };
  }

  /** The server's, ours when they belong to another track, or the next that are free. */
  #freeChannels(answered: NumberPair | undefined, asked: NumberPair | undefined): NumberPair {
    const areFree = ([rtp, rtcp]: NumberPair): boolean => this.#channels[rtp] === -1 && this.#channels[rtcp] === -1;
    if (answered !== undefined && areFree(answered)) return answered;
    if (asked !== undefined && areFree(asked)) return asked;
    let rtp = 0;
    while (!areFree([rtp, rtp + 1])) rtp += 2;
    return [rtp, rtp + 1];
  }
}

function answeredTransport(headers: RtspHeaders): RtspTransport | undefined {
  return attempt(() => parseTransports(headers.get("transport") ?? "")[0]);
}

function rtpInfosOf(headers: RtspHeaders): RtpInfo[] {
  return attempt(() => parseRtpInfo(headers.getAll("rtp-info").join(","))) ?? [];
}
