/**
 * One connection to the RTSP port. What it speaks is known from its first bytes: RTSP, or HTTP that tunnels RTSP with two
 * connections, which find each other by their cookie.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { guessProtocol, RtspTunnelSession } from "../../protocols/rtsp/tunnel.ts";
import type { Connection, ConnectionHandler } from "../../runtime/transport.ts";
import { ERR_RTSP_TLS_ON_PLAIN_PORT } from "../errors.ts";
import { RtspPeer, type RtspPeerContext } from "./rtsp-peer.ts";
import type { TunnelEnd, Tunnels } from "./tunnels.ts";

export interface RtspConnectionContext extends RtspPeerContext {
  /** By address and cookie. */
  readonly tunnels: Tunnels;
  readonly onClosed: (connection: RtspConnection) => void;
}

export class RtspConnection implements ConnectionHandler, TunnelEnd {
  readonly #context: RtspConnectionContext;
  readonly #connection: Connection;
  readonly #openedAtMs: number;
  /** What came before it was clear what is spoken: fewer bytes than "POST " has. */
  #early: Uint8Array = noBytes;
  /** Of RTSP, and of the GET of a tunnel. */
  #peer: RtspPeer | undefined;
  #tunnel: RtspTunnelSession | undefined;
  #tunnelKey: string | undefined;
  /** Of the POST of a tunnel: who has the session. */
  #joined: TunnelEnd | undefined;
  /** What a POST has said before its GET was found. */
  #unjoined: Uint8Array[] = [];
  #unjoinedBytes = 0;
  #askedAtMs = 0;
  #isClosed = false;

  constructor(context: RtspConnectionContext, connection: Connection) {
    this.#context = context;
    this.#connection = connection;
    this.#openedAtMs = context.nowMs();
  }

  get peer(): RtspPeer | undefined {
    return this.#peer;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  handleBytes(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#tunnel !== undefined) {
      this.#tunnel.handle(bytes);
      this.#drainTunnel(this.#tunnel);
    } else if (this.#peer !== undefined) {
      this.#peer.handleBytes(bytes);
    } else {
      this.#begin(this.#early.length === 0 ? bytes : Buffer.concat([this.#early, bytes]));
    }
  }

  /** Of this tunnel's POST, wherever it came. */
  handleTunnelled(data: Uint8Array): void {
    if (data.length > 0) this.#peer?.handleBytes(data);
  }

  /** Called about four times a second. */
  handleTime(nowMs: number): void {
    if (this.#isClosed) return;
    this.#peer?.handleTime(nowMs);
    const tunnel = this.#tunnel;
    if (tunnel !== undefined) {
      if (this.#joined !== undefined) this.#watch(this.#joined, nowMs);
      tunnel.handleTimeout(nowMs);
      this.#drainTunnel(tunnel);
    } else if (this.#peer === undefined && nowMs - this.#openedAtMs > this.#silenceMs) {
      this.#connection.destroy();
    }
  }

  handleClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#tunnelKey !== undefined) this.#context.tunnels.close(this.#tunnelKey);
    this.#peer?.handleClose();
    this.#context.onClosed(this);
  }

  close(reason: string): void {
    if (this.#peer !== undefined) this.#peer.close(reason);
    else this.#connection.end();
  }

  destroy(): void {
    this.#connection.destroy();
  }

  /** As long as a session without a request may live. */
  get #silenceMs(): number {
    return this.#context.session.sessionTimeoutMs ?? defaultSilenceMs;
  }

  #begin(bytes: Uint8Array): void {
    const protocol = guessProtocol(bytes);
    switch (protocol) {
      case undefined:
        this.#early = bytes.slice();
        return;
      case "rtsp":
        this.#early = noBytes;
        this.#peer = new RtspPeer(this.#context, this.#connection);
        this.#peer.handleBytes(bytes);
        return;
      case "http":
        this.#early = noBytes;
        this.#tunnel = new RtspTunnelSession(this.#context.nowMs());
        this.#tunnel.handle(bytes);
        this.#drainTunnel(this.#tunnel);
        return;
      case "tls":
        this.#problem(
          new CodedError(
            ERR_RTSP_TLS_ON_PLAIN_PORT,
            "expected RTSP, TLS came: rtsps:// has a port of its own, rtsp.tls.port",
          ),
        );
        this.#connection.destroy();
    }
  }

  #drainTunnel(tunnel: RtspTunnelSession): void {
    for (let event = tunnel.pollEvent(); event !== undefined; event = tunnel.pollEvent()) {
      switch (event.type) {
        case "get":
          this.#openTunnel(tunnel, event.cookie);
          break;
        case "post":
          this.#joined = this.#context.tunnels.find(this.#keyOf(event.cookie));
          if (this.#joined === undefined) void this.#joinElsewhere(tunnel, this.#keyOf(event.cookie));
          break;
        case "data":
          if (this.#joined !== undefined) this.#joined.handleTunnelled(event.data);
          else this.#keep(tunnel, event.data);
          break;
        case "closed":
          this.#problem(event.error);
          this.#flush(tunnel);
          this.#connection.end();
          return;
      }
    }
    this.#flush(tunnel);
  }

  #openTunnel(tunnel: RtspTunnelSession, cookie: string): void {
    const key = this.#keyOf(cookie);
    if (!this.#context.tunnels.open(key, this)) {
      tunnel.reject();
      return;
    }
    this.#tunnelKey = key;
    tunnel.accept();
    this.#flush(tunnel); // before the session says anything
    this.#peer = new RtspPeer(this.#context, this.#connection);
  }

  /** The GET came to another thread, or never. */
  async #joinElsewhere(tunnel: RtspTunnelSession, key: string): Promise<void> {
    const end = await this.#context.tunnels.findElsewhere(key);
    if (this.#isClosed) return;
    this.#joined = end;
    if (end === undefined) {
      tunnel.reject();
      this.#drainTunnel(tunnel);
    } else {
      for (const data of this.#unjoined) end.handleTunnelled(data);
    }
    this.#unjoined = [];
  }

  /** A client asks and waits; who says more than a request before its GET was found is no client. */
  #keep(tunnel: RtspTunnelSession, data: Uint8Array): void {
    this.#unjoinedBytes += data.length;
    if (this.#unjoinedBytes > maxUnjoinedBytes) tunnel.reject();
    else this.#unjoined.push(data);
  }

  /** Ends the POST when its GET has ended. */
  #watch(end: TunnelEnd, nowMs: number): void {
    if (end.isClosed) this.#connection.end();
    if (nowMs - this.#askedAtMs < askIntervalMs) return;
    this.#askedAtMs = nowMs;
    end.handleTunnelled(noBytes); // one on another thread says so then
  }

  #flush(tunnel: RtspTunnelSession): void {
    const output = tunnel.pollOutput();
    if (output !== undefined) this.#connection.send(output);
  }

  /** Both connections have to come from the same address. */
  #keyOf(cookie: string): string {
    return `${this.#connection.remoteAddress} ${cookie}`;
  }

  #problem(problem: CodedError): void {
    this.#context.onProblem(problem, this.#connection, "");
  }
}

const noBytes = new Uint8Array(0);
const defaultSilenceMs = 60_000;
/** A request with its head: what a client may say before it has an answer. */
const maxUnjoinedBytes = 131_072;
/** How often the thread of the GET is asked whether it is still there. */
const askIntervalMs = 2_000;
