/** One try to fetch a stream over RTSP: asks for its description, publishes what it can take of it, and ends with the first failure. */

import { parseAnnouncement, type RtspAnnouncement, RtspIngest } from "../../bridges/rtsp-ingest.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import type { Publication } from "../../kernel/publication.ts";
import { defaultReorderDelayMs } from "../../protocols/rtp/limits.ts";
import type { RtspClientEvent } from "../../protocols/rtsp/client-events.ts";
import type { RtspClientSession } from "../../protocols/rtsp/client-session.ts";
import type { NumberPair } from "../../protocols/rtsp/message/transport.ts";
import { parseRtspUrl } from "../../protocols/rtsp/url.ts";
import { ERR_RTSP_TRACK_LEFT_OUT } from "../errors.ts";
import { mayPointTo } from "../outbound/address-range.ts";
import { type OutboundReport, type PullOrder, pullProtocol } from "../outbound/calls.ts";
import { ERR_REDIRECT_FORBIDDEN, ERR_SOURCE_SILENT } from "../outbound/errors.ts";
import { internalFailure } from "../outbound/internal-failure.ts";
import type { OutboundContext, OutboundTry } from "../outbound/outbound-try.ts";
import { resolveHost } from "../outbound/resolve-host.ts";
import { RtspClientConnection, type RtspClientHandler } from "../outbound/rtsp-client-connection.ts";
import { UdpTracks } from "../outbound/udp-tracks.ts";
import { udpSilenceMs } from "./limits.ts";

type Event<Type extends RtspClientEvent["type"]> = Extract<RtspClientEvent, { type: Type }>;

export class RtspPull implements OutboundTry, RtspClientHandler {
  readonly #order: PullOrder;
  readonly #context: OutboundContext;
  #connection: RtspClientConnection | undefined;
  #publishing: Publishing | undefined;
  #redirect: Event<"redirect"> | undefined;
  #udp: UdpTracks | undefined;
  #udpPacketCount = 0;
  /** When the wait for the first packet over UDP began. */
  #udpSinceMs: number | undefined;
  #isEnded = false;

  constructor(order: PullOrder, context: OutboundContext) {
    this.#order = order;
    this.#context = context;
    this.#connect().catch((error: unknown) => this.#fail(error));
  }

  get report(): OutboundReport {
    const { connection, address = "" } = this.#connection ?? {};
    return {
      tryId: this.#order.tryId,
      address,
      transport: this.#udp === undefined ? "tcp" : "udp",
      receivedBytes: (connection?.receivedBytes ?? 0) + (this.#udp?.receivedBytes ?? 0),
      sentBytes: connection?.sentBytes ?? 0,
      lostPackets: this.#publishing?.ingest.counters.lostPacketCount ?? 0,
    };
  }

  handleTime(nowMs: number): void {
    this.#connection?.handleTime(nowMs);
    const session = this.#connection?.session;
    if (this.#publishing === undefined || session?.isReady !== true) return;
    const { ingest, sections } = this.#publishing;
    if (this.#udp !== undefined) {
      this.#watchUdp(this.#udp, session, nowMs);
      ingest.handleTime(nowMs);
    }
    for (const { trackIndex: section, packet } of ingest.pollReports(nowMs)) {
      const trackIndex = sections.indexOf(section);
      if (this.#udp === undefined) session.sendInterleaved(trackIndex, "rtcp", packet);
      else this.#udp.sendRtcp(trackIndex, packet);
    }
    this.#connection?.drain();
  }

  close(reason: string): void {
    this.#publishing?.publication.end(reason);
    if (this.#connection === undefined) this.handleEnd(undefined);
    else this.#connection.close();
  }

  handleEvent(event: Exclude<RtspClientEvent, { type: "closed" }>): void {
    switch (event.type) {
      case "description":
        this.#describe(event.sdp).catch((error: unknown) => this.#fail(error));
        return;
      case "ready":
        this.#ready(event);
        return;
      case "media":
        this.#media(event.trackIndex, event.kind, event.data);
        return;
      case "redirect":
        this.#redirect = event;
        return;
    }
  }

  handleEnd(failure: CodedError | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#udp?.close();
    this.#publishing?.publication.end(failure === undefined ? "the source was let go of" : "the source is gone");
    const { tryId } = this.#order;
    const redirect = this.#redirect;
    if (redirect !== undefined) {
      const { url, redirectCount } = redirect;
      const sentBy = this.#connection?.address ?? "";
      this.#context.ended(this, { type: "redirected", tryId, url, redirectCount, sentBy });
    } else {
      const { code, message } = failure ?? new CodedError(ERR_SOURCE_SILENT, "the source has ended");
      const hasFallenBack = this.#connection?.session?.hasFallenBack === true;
      this.#context.ended(this, { type: "failed", tryId, failure: { code, message }, hasFallenBack });
    }
  }

  async #connect(): Promise<void> {
    const { url: text, sentBy, fingerprint, redirectCount } = this.#order;
    const url = parseRtspUrl(text);
    const addresses = await resolveHost(url.host);
    if (this.#isEnded) return;
    const allowed = sentBy === undefined ? addresses : addresses.filter((address) => mayPointTo(sentBy, address));
    if (allowed.length === 0) {
      const what = `${sentBy} sends us to ${url.host}, which is nearer to this machine than itself`;
      throw new CodedError(ERR_REDIRECT_FORBIDDEN, what);
    }
    const { transport, crypto, nowMs, onFailure } = this.#context;
    this.#connection = new RtspClientConnection({
      ...{ transport, url, addresses: allowed, fingerprint, nowMs, onFailure, handler: this },
      // Encrypted packets over UDP are another profile, which cameras do not have.
      session: { crypto, transport: this.#order.transport === "tcp" || url.isTls ? "tcp" : "auto", redirectCount },
    });
  }

  /** Takes the stream before the source is told to play, so that nothing of its first pictures is lost. */
  async #describe(sdp: string): Promise<void> {
    const { stream } = this.#order;
    const announcement = parseAnnouncement(sdp, true);
    const address = this.#connection?.address ?? "";
    const publication = await this.#context.streams.publish({ name: stream, protocol: pullProtocol, address }, () =>
      this.#fail(new CodedError(ERR_SOURCE_SILENT, "the source sends nothing any more")),
    );
    if (this.#isEnded) {
      publication.end("the source is gone");
      return;
    }
    for (const sentence of announcement.leftOut) {
      this.#problem(new CodedError(ERR_RTSP_TRACK_LEFT_OUT, `a track was left out: ${sentence}`));
    }
    this.#publishing = this.#openIngest(publication, announcement);
    const ports = await this.#openUdp(this.#publishing);
    if (this.#isEnded) return;
    const tracks = this.#publishing.sections.map((section, index) => ({
      control: announcement.controls[section],
      clientPorts: ports[index],
    }));
    this.#connection?.session?.setUp(tracks, announcement.aggregateControl, this.#context.nowMs());
    this.#connection?.drain();
  }

  /** Our ports, one pair for each track; none over TCP. */
  async #openUdp({ ingest, sections }: Publishing): Promise<readonly NumberPair[]> {
    const connection = this.#connection;
    if (connection === undefined || this.#order.transport === "tcp" || connection.connection?.isEncrypted === true) {
      return [];
    }
    const udp = await UdpTracks.open({
      transport: this.#context.transport,
      trackCount: sections.length,
      address: connection.address,
      onPacket: (trackIndex, kind, data) => this.#media(trackIndex, kind, data),
    });
    if (this.#isEnded) {
      udp.close();
      return [];
    }
    this.#udp = udp;
    ingest.setReorderDelay(defaultReorderDelayMs);
    return udp.ports;
  }

  #ready({ tracks }: Event<"ready">): void {
    if (tracks.some(({ transport }) => transport.kind === "udp")) {
      this.#udp?.begin(tracks, this.#connection?.address ?? "");
      this.#udp?.openWays();
      this.#udpSinceMs = this.#context.nowMs();
      return;
    }
    this.#udp?.close();
    this.#udp = undefined;
    this.#publishing?.ingest.setReorderDelay(0);
  }

  #watchUdp(udp: UdpTracks, session: RtspClientSession, nowMs: number): void {
    const { packetCount } = udp;
    if (packetCount > this.#udpPacketCount) {
      session.handleUdpActivity(nowMs);
      this.#udpPacketCount = packetCount;
    } else if (packetCount === 0 && nowMs - (this.#udpSinceMs ?? nowMs) >= udpSilenceMs) {
      session.fallBackToTcp(nowMs);
    }
  }

  #openIngest(publication: Publication, announcement: RtspAnnouncement): Publishing {
    const { random } = this.#context;
    const onProblem = (problem: CodedError): void => this.#problem(problem);
    try {
      const ssrc = Math.floor(random() * 0x1_0000_0000);
      const ingest = new RtspIngest({ publication, announcement, ssrc, random, onProblem });
      const sections = announcement.tracks.flatMap((track, index) => (track === undefined ? [] : [index]));
      return { publication, ingest, sections, startMs: publication.stream.newestFrameMs, isRunning: false };
    } catch (error) {
      publication.end("the source's description can't be used");
      throw error;
    }
  }

  /** For each packet: nothing is allocated. */
  #media(trackIndex: number, kind: "rtp" | "rtcp", data: Uint8Array): void {
    const publishing = this.#publishing;
    const section = publishing?.sections[trackIndex];
    // The engine may have ended it within this very turn.
    if (publishing === undefined || section === undefined || publishing.publication.isEnded) return;
    const { ingest, publication } = publishing;
    if (kind === "rtcp") {
      ingest.handleRtcp(section, data, this.#context.nowMs());
      return;
    }
    ingest.handleRtp(section, data, this.#context.nowMs());
    if (publishing.isRunning || publication.stream.newestFrameMs === publishing.startMs) return;
    publishing.isRunning = true;
    this.#context.tell({ type: "running", tryId: this.#order.tryId });
  }

  #fail(error: unknown): void {
    if (this.#isEnded) return;
    if (!(error instanceof CodedError)) this.#context.onFailure(error);
    const failure = error instanceof CodedError ? error : internalFailure();
    if (this.#connection === undefined) this.handleEnd(failure);
    else this.#connection.fail(failure);
  }

  #problem(problem: CodedError): void {
    this.#context.onProblem(problem, this.#connection?.address ?? "", this.#order.stream);
  }
}

/** From the description on. */
interface Publishing {
  readonly publication: Publication;
  readonly ingest: RtspIngest;
  /** Of each track that is set up, its section in the description. */
  readonly sections: readonly number[];
  readonly startMs: number;
  /** A frame has come. */
  isRunning: boolean;
}
