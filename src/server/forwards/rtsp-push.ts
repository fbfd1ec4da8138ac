/**
 * One try to send a stream on over RTSP: describes it, announces that, and then plays as any player does: the connection, or
 * our ports over UDP, are a cursor on the stream's log of interleaved packets, which begins at a key frame.
 */

import { ERR_TRACKS_CHANGED } from "../../bridges/errors.ts";
import {
  describeStream,
  type RtspDescription,
  type RtspTrack,
  rtspFormatRequest,
  writeRtspBye,
} from "../../bridges/rtsp-egress.ts";
import { CodedError } from "../../bytes/coded-error.ts";
import type { StreamView } from "../../kernel/egress.ts";
import { ERR_STREAM_NOT_FOUND } from "../../kernel/errors.ts";
import type { TrackFormat } from "../../kernel/frame.ts";
import type { PeerRequest } from "../../kernel/gate.ts";
import type { ReadyTrack, RtspClientEvent } from "../../protocols/rtsp/client-events.ts";
import type { NumberPair } from "../../protocols/rtsp/message/transport.ts";
import { trackControl } from "../../protocols/rtsp/presentation.ts";
import { parseRtspUrl } from "../../protocols/rtsp/url.ts";
import type { DatagramRoute } from "../../runtime/datagrams.ts";
import type { Play, PlayHandler } from "../../runtime/play.ts";
import type { Player } from "../../runtime/shards/feed.ts";
import type { PlayerSubscription } from "../../runtime/shards/subscription.ts";
import { ERR_RTSP_TRACK_LEFT_OUT } from "../errors.ts";
import { type OutboundReport, type PushOrder, pushProtocol } from "../outbound/calls.ts";
import { ERR_FORWARD_REFUSED, ERR_FORWARD_STREAM } from "../outbound/errors.ts";
import { internalFailure } from "../outbound/internal-failure.ts";
import type { OutboundContext, OutboundTry } from "../outbound/outbound-try.ts";
import { resolveHost } from "../outbound/resolve-host.ts";
import { RtspClientConnection, type RtspClientHandler } from "../outbound/rtsp-client-connection.ts";
import { UdpTracks } from "../outbound/udp-tracks.ts";
import { findSettled } from "../rtsp/find-settled.ts";

export class RtspPush implements OutboundTry, RtspClientHandler, Player, PlayHandler {
  readonly #order: PushOrder;
  readonly #context: OutboundContext;
  readonly #request: PeerRequest;
  #connection: RtspClientConnection | undefined;
  #udp: UdpTracks | undefined;
  #description: RtspDescription | undefined;
  #subscription: PlayerSubscription | undefined;
  #play: Play | undefined;
  /** As the tracks were when they were looked at last. */
  #formats: readonly TrackFormat[] = [];
  /** Since when they are others than those that were announced. */
  #changedAtMs: number | undefined;
  #isEnded = false;

  constructor(order: PushOrder, context: OutboundContext) {
    this.#order = order;
    this.#context = context;
    this.#request = { name: order.stream, protocol: pushProtocol };
    this.#begin().catch((error: unknown) => this.#fail(error));
  }

  get report(): OutboundReport {
    const { connection, address = "" } = this.#connection ?? {};
    return {
      tryId: this.#order.tryId,
      address,
      transport: this.#udp === undefined ? "tcp" : "udp",
      receivedBytes: (connection?.receivedBytes ?? 0) + (this.#udp?.receivedBytes ?? 0),
      sentBytes: (connection?.sentBytes ?? 0) + (this.#udp?.sentBytes ?? 0),
      lostPackets: 0,
    };
  }

  handleTime(nowMs: number): void {
    this.#connection?.handleTime(nowMs);
    try {
      if (this.#hasChanged(nowMs)) {
        throw new CodedError(ERR_TRACKS_CHANGED, "the stream's tracks are others than those that were announced");
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  close(): void {
    if (this.#connection === undefined) this.handleEnd(undefined);
    else this.#connection.close();
  }

  handleEvent(event: Exclude<RtspClientEvent, { type: "closed" }>): void {
    // What the server reports of its reception is of no consequence here.
    if (event.type === "ready") this.#record(event.tracks).catch((error: unknown) => this.#fail(error));
    else if (event.type === "redirect") this.#fail(refused("the server wants the stream at another address"));
  }

  handleEnd(failure: CodedError | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#play?.stop();
    this.#udp?.close();
    this.#subscription?.close("the forward has ended");
    const { code, message } = failure ?? new CodedError(ERR_FORWARD_STREAM, "the stream has ended");
    const { tryId } = this.#order;
    this.#context.ended(this, { type: "failed", tryId, failure: { code, message }, hasFallenBack: false });
  }

  /** Of the stream: it has ended. */
  handleStreamEnd(): void {
    if (this.#play === undefined) this.#connection?.close();
    else this.#play.finish();
  }

  handlePlayed(): void {
    const session = this.#connection?.session;
    for (const [index, track] of (this.#description?.tracks ?? []).entries()) {
      if (this.#udp === undefined) session?.sendInterleaved(index, "rtcp", writeRtspBye(track));
      else this.#udp.sendRtcp(index, writeRtspBye(track));
    }
    this.#connection?.close();
  }

  handleLag(): void {
    this.#subscription?.lagged();
  }

  handleEvicted(): void {
    this.#subscription?.evicted();
    this.#fail(refused("the server takes the stream too slowly"));
  }

  /**
   * Whether the server has to be told of other tracks: those that left went with BYE, and of new ones it knows nothing. Not at once:
   * the tracks of a publisher that comes back appear one by one.
   */
  #hasChanged(nowMs: number): boolean {
    const formats = this.#subscription?.stream.tracks.map(({ format }) => format) ?? [];
    const isSame = formats.length === this.#formats.length && formats.every((format, i) => format === this.#formats[i]);
    if (!isSame) {
      this.#formats = formats;
      this.#changedAtMs = formats.length === 0 || this.#isAsAnnounced() ? undefined : nowMs;
    }
    return this.#changedAtMs !== undefined && nowMs - this.#changedAtMs >= settleMs;
  }

  /** @throws `ERR_CODEC_NOT_RECEIVABLE` */
  #isAsAnnounced(): boolean {
    const now = this.#describe((this.#subscription as PlayerSubscription).stream);
    return rtspFormatRequest(now.tracks).key === rtspFormatRequest(this.#description?.tracks ?? []).key;
  }

  /** @throws `ERR_CODEC_NOT_RECEIVABLE` */
  #describe(view: StreamView): RtspDescription {
    const everything = { wantsAudio: true, wantsVideo: true };
    return describeStream(view, everything, (kind, number) => this.#context.identityOf(view.name.key, kind, number));
  }

  async #begin(): Promise<void> {
    const { streams, nowMs, transport, crypto, onFailure } = this.#context;
    const url = parseRtspUrl(this.#order.url);
    const [view, addresses] = await Promise.all([
      findSettled(streams, this.#request, nowMs, () => this.#isEnded),
      resolveHost(url.host),
    ]);
    if (this.#isEnded) return;
    this.#description = this.#describe(view);
    const { sdp, tracks, leftOut } = this.#description;
    // Encrypted packets over UDP are another profile, which servers do not have.
    const isUdp = this.#order.transport === "udp" && !url.isTls;
    const ports = isUdp ? await this.#openUdp(tracks.length) : [];
    if (this.#isEnded) return;
    this.#connection = new RtspClientConnection({
      ...{ transport, url, addresses, fingerprint: "", nowMs, onFailure },
      handler: this,
      session: {
        crypto,
        transport: isUdp ? "auto" : "tcp",
        publish: {
          sdp,
          tracks: tracks.map((_, index) => ({ control: trackControl(index), clientPorts: ports[index] })),
        },
      },
    });
    for (const sentence of leftOut) {
      const problem = new CodedError(ERR_RTSP_TRACK_LEFT_OUT, `a track was left out: ${sentence}`);
      this.#context.onProblem(problem, this.#connection.address, this.#order.stream);
    }
  }

  /** Our ports, one pair for each track. What the server reports to them is of no consequence here. */
  async #openUdp(trackCount: number): Promise<readonly NumberPair[]> {
    const { transport } = this.#context;
    const udp = await UdpTracks.open({ transport, trackCount, address: "", onPacket: () => {} });
    if (this.#isEnded) udp.close();
    else this.#udp = udp;
    return udp.ports;
  }

  async #record(ready: readonly ReadyTrack[]): Promise<void> {
    const { tracks = [] } = this.#description ?? {};
    const isUdp = ready.some(({ transport }) => transport.kind === "udp");
    if (isUdp) {
      // To the server itself, whatever it says of other addresses: nobody else has asked for packets.
      this.#udp?.begin(ready.map(withoutSource), this.#connection?.address ?? "");
    } else {
      this.#udp?.close();
      this.#udp = undefined;
    }
    for (const [index, { transport }] of isUdp ? [] : ready.entries()) {
      const wanted = tracks[index]?.channel;
      // The log's bytes are the same for everybody, and the channels are in them.
      if (transport.kind === "tcp" && transport.channels[0] === wanted) continue;
      throw refused("the server wants the packets on other channels than it was asked for");
    }
    const subscription = await this.#context.streams.subscribe(this.#request, rtspFormatRequest(tracks), this);
    const connection = this.#connection?.connection;
    if (this.#isEnded || connection === undefined) {
      subscription.close("the forward has ended");
      return;
    }
    this.#subscription = subscription;
    const { playOptions, transport } = this.#context;
    this.#play = isUdp
      ? transport.playDatagrams(subscription.log, this.#routes(tracks), playOptions.fromNewestKeyFrame, this)
      : connection.play(subscription.log, playOptions.fromNewestKeyFrame, this);
    if (this.#play === undefined) throw refused("there is no room for another play over UDP");
    if (subscription.log.isClosed) this.#play.finish();
    this.#context.tell({ type: "running", tryId: this.#order.tryId });
  }

  /** @throws `ERR_FORWARD_REFUSED` */
  #routes(tracks: readonly RtspTrack[]): DatagramRoute[] {
    return tracks.flatMap(({ channel }, index) => {
      const peers = this.#udp?.peersOf(index);
      if (peers === undefined) throw refused("the server names no ports that packets could go to");
      return peers.map((peer, half) => ({ channel: channel + half, peer }));
    });
  }

  #fail(error: unknown): void {
    if (this.#isEnded) return;
    const failure = failureOf(error, this.#context.onFailure);
    if (this.#connection === undefined) this.handleEnd(failure);
    else this.#connection.fail(failure);
  }
}

function failureOf(error: unknown, onFailure: (error: unknown) => void): CodedError {
  if (!(error instanceof CodedError)) {
    onFailure(error);
    return internalFailure();
  }
  if (error.code !== ERR_STREAM_NOT_FOUND) return error;
  return new CodedError(ERR_FORWARD_STREAM, error.message);
}

function withoutSource(track: ReadyTrack): ReadyTrack {
  const { transport } = track;
  return transport.kind === "udp" ? { ...track, transport: { ...transport, source: undefined } } : track;
}

function refused(what: string): CodedError {
  return new CodedError(ERR_FORWARD_REFUSED, what);
}

/** Until the tracks of a publisher that comes back are all there: twice what a player that joins waits for. */
const settleMs = 1_000;
