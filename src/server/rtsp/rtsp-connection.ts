/**
 * One connection to the RTSP port. What it speaks is known from its first bytes: RTSP, or HTTP that tunnels RTSP with two
 * connections, which find each other by their cookie.
 */

import { CodedError } from "../../bytes/coded-error.ts";
import { guessProtocol, RtspTunnelSession } from "../../protocols/rtsp/tunnel.ts";
import type { Connection, ConnectionHandler } from "../../runtime/transport.ts";
import { ERR_RTSP_TLS_ON_PLAIN_PORT } from "../errors.ts";
import { RtspPeer, type RtspPeerContext } from "./rtsp-peer.ts";

export interface RtspConnectionContext extends RtspPeerContext {
  /** The GET connections of this shard that a POST may join, by address and cookie. */
  readonly tunnels: Map<string, RtspConnection>;
  readonly onClosed: (connection: RtspConnection) => void;
}

export class RtspConnection implements ConnectionHandler {
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
  #joined: RtspConnection | undefined;
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

  /** Called about four times a second. */
  handleTime(nowMs: number): void {
    if (this.#isClosed) return;
    this.#peer?.handleTime(nowMs);
    const tunnel = this.#tunnel;
    if (tunnel !== undefined) {
      if (this.#joined?.isClosed === true) this.#connection.end();
      tunnel.handleTimeout(nowMs);
      this.#drainTunnel(tunnel);
    } else if (this.#peer === undefined && nowMs - this.#openedAtMs > this.#silenceMs) {
      this.#connection.destroy();
    }
  }

  handleClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#tunnelKey !== undefined) this.#context.tunnels.delete(this.#tunnelKey);
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
          this.#joined = this.#context.tunnels.get(this.#keyOf(event.cookie));
          // Also when the GET reached another thread: connections are spread over all of them.
          if (this.#joined === undefined) tunnel.reject();
          break;
        case "data":
          this.#joined?.peer?.handleBytes(event.data);
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
    if (this.#context.tunnels.has(key)) {
      tunnel.reject();
      return;
    }
    this.#context.tunnels.set(key, this);
    this.#tunnelKey = key;
    tunnel.accept();
    this.#flush(tunnel); // before the session says anything
    this.#peer = new RtspPeer(this.#context, this.#connection);
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
