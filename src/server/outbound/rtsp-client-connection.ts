/** One connection to an RTSP server: its addresses are tried one after the other, and the session is drained after every call. */

import { CodedError } from "../../bytes/coded-error.ts";
import type { RtspClientEvent, RtspClientOptions } from "../../protocols/rtsp/client-events.ts";
import { RtspClientSession } from "../../protocols/rtsp/client-session.ts";
import type { RtspUrl } from "../../protocols/rtsp/url.ts";
import type { Connection, ConnectionHandler, Transport } from "../../runtime/transport.ts";
import { dialTls, type TlsDial } from "./dial-tls.ts";
import { ERR_CONNECT } from "./errors.ts";
import { internalFailure } from "./internal-failure.ts";
import { connectTimeoutMs } from "./limits.ts";

export interface RtspClientConnectionOptions {
  readonly transport: Transport;
  readonly url: RtspUrl;
  /** Of its host, at least one. */
  readonly addresses: readonly string[];
  /** See {@link dialTls}. */
  readonly fingerprint: string;
  readonly session: Omit<RtspClientOptions, "url">;
  readonly nowMs: () => number;
  readonly handler: RtspClientHandler;
  /** Told of a mistake of ours; it costs this connection. */
  readonly onFailure: (error: unknown) => void;
}

export interface RtspClientHandler {
  /** All events but the last. */
  handleEvent(event: Exclude<RtspClientEvent, { type: "closed" }>): void;
  /** Called once, last. Undefined: it was closed in order, by {@link RtspClientConnection.close} or after a redirection. */
  handleEnd(failure: CodedError | undefined): void;
}

export class RtspClientConnection {
  readonly #options: RtspClientConnectionOptions;
  readonly #addresses: string[];
  #address = "";
  #session: RtspClientSession | undefined;
  #connection: Connection | undefined;
  #tls: TlsDial | undefined;
  /** When the connection that is under way has to stand. */
  #connectDeadlineMs: number | undefined;
  /** Counts dials: what comes of another than the newest is nobody's. */
  #dialCount = 0;
  #isDraining = false;
  #isEnded = false;

  constructor(options: RtspClientConnectionOptions) {
    this.#options = options;
    this.#addresses = [...options.addresses];
    this.#dial(new CodedError(ERR_CONNECT, "there is no address to connect to"));
  }

  /** Undefined before the connection stands. */
  get session(): RtspClientSession | undefined {
    return this.#session;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** The one that is tried, or connected. */
  get address(): string {
    return this.#address;
  }

  /** Called some times a second. */
  handleTime(nowMs: number): void {
    if (this.#isEnded) return;
    if (this.#connectDeadlineMs !== undefined && nowMs >= this.#connectDeadlineMs) {
      this.#dial(new CodedError(ERR_CONNECT, `${this.#address} did not answer within ${connectTimeoutMs} ms`));
      return;
    }
    const deadline = this.#session?.nextTimeout();
    if (deadline !== undefined && deadline <= nowMs) this.#session?.handleTimeout(nowMs);
    this.drain();
  }

  /** After every call of the session from outside. */
  drain(): void {
    const session = this.#session;
    if (session === undefined || this.#isDraining || this.#isEnded) return;
    this.#isDraining = true;
    try {
      for (let event = session.pollEvent(); event !== undefined && !this.#isEnded; event = session.pollEvent()) {
        if (event.type === "closed") {
          this.#flush();
          this.#end(event.error);
        } else {
          this.#options.handler.handleEvent(event);
        }
      }
      this.#flush();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isDraining = false;
    }
  }

  /** Ends the session in order, and the connection when that is sent. */
  close(): void {
    if (this.#isEnded) return;
    this.#session?.close();
    this.#flush();
    this.#end(undefined);
  }

  /** Ends it for a reason that is no word of the session. */
  fail(failure: CodedError): void {
    if (this.#isEnded) return;
    this.#session?.close();
    this.#flush();
    this.#end(failure);
  }

  #dial(failure: CodedError): void {
    this.#letGo();
    const address = this.#addresses.shift();
    const isFirst = this.#dialCount === 0;
    const dial = ++this.#dialCount;
    if (address === undefined) {
      // Not from within the constructor: who waits for the end has nothing in hand yet.
      if (isFirst) queueMicrotask(() => this.#end(failure));
      else this.#end(failure);
      return;
    }
    this.#address = address;
    this.#connectDeadlineMs = this.#options.nowMs() + connectTimeoutMs;
    try {
      this.#begin(address, dial);
    } catch (error) {
      if (isFirst) throw error; // who makes this one sees it
      this.#fail(error);
    }
  }

  #begin(address: string, dial: number): void {
    const { transport, url, fingerprint } = this.#options;
    const { host, port, isTls } = url;
    const handler = this.#handlerOf(dial);
    if (!isTls) {
      this.#connection = transport.connect({ host: address, port }, () => handler);
      return;
    }
    this.#tls = dialTls(
      { address, port, host, fingerprint },
      (socket) => {
        this.#tls = undefined;
        this.#connection = transport.adopt(socket, () => handler);
        handler.handleConnect?.();
      },
      (problem) => this.#dial(problem),
    );
  }

  #handlerOf(dial: number): ConnectionHandler {
    const isCurrent = (): boolean => !this.#isEnded && dial === this.#dialCount;
    return {
      handleConnect: () => {
        if (isCurrent()) this.#connected();
      },
      handleBytes: (bytes) => {
        if (!isCurrent()) return;
        this.#session?.handle(bytes, this.#options.nowMs());
        this.drain();
      },
      handleClose: (errorName) => {
        if (!isCurrent()) return;
        const { host, port } = this.#options.url;
        const how = errorName ?? "closed by the other side";
        const failure = new CodedError(ERR_CONNECT, `the connection to ${host} port ${port} failed: ${how}`);
        if (this.#session === undefined) this.#dial(failure);
        else this.#end(failure);
      },
    };
  }

  #connected(): void {
    this.#connectDeadlineMs = undefined;
    const { url, session, nowMs } = this.#options;
    this.#session = new RtspClientSession({ ...session, url }, nowMs());
    this.drain();
  }

  #flush(): void {
    const output = this.#session?.pollOutput();
    if (output !== undefined) this.#connection?.send(output);
  }

  #end(failure: CodedError | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#connectDeadlineMs = undefined;
    this.#tls?.destroy();
    if (this.#session === undefined) this.#connection?.destroy();
    else this.#connection?.end();
    this.#options.handler.handleEnd(failure);
  }

  #fail(error: unknown): void {
    this.#options.onFailure(error);
    this.#connection?.destroy();
    this.#end(internalFailure());
  }

  #letGo(): void {
    this.#tls?.destroy();
    this.#tls = undefined;
    this.#connection?.destroy();
    this.#connection = undefined;
  }
}
