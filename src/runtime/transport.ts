/**
 * Sockets, as the server sees them, whatever carries them out: the portable transport on `node:net`, or the native addon.
 *
 * A connection sends two kinds of bytes: control bytes, given one by one, and the entries of an egress log, which it takes by
 * itself as a cursor. Control bytes go out between entries, never inside one.
 */

import type { Socket } from "node:net";
import type { SecureContextOptions } from "node:tls";
import type { LagLimits } from "../kernel/cursor-table.ts";
import type { ReadableLog } from "../kernel/readable-log.ts";

export interface ListenOptions {
  /** An address to listen on; empty for all of them. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** More connections than this are closed at once. */
  readonly maxConnections: number;
  /** Whether other threads listen on the same port, each taking a share of the connections (Linux: SO_REUSEPORT). */
  readonly isShared?: boolean;
  /** Certificate and key, when the connections are to be encrypted. */
  readonly tls?: SecureContextOptions;
}

export interface Listener {
  readonly port: number;
  readonly connectionCount: number;
  /** Connections closed at once because there were too many. */
  readonly droppedCount: number;
  /** New connections use this certificate; open ones stay as they are. */
  setSecureContext(options: SecureContextOptions): void;
  /** Stops accepting; open connections stay. */
  close(): Promise<void>;
}

export interface PlayOptions {
  /** Wait for the next random access point instead of starting at the newest one. */
  readonly isLive: boolean;
  readonly lagLimits: LagLimits;
}

/** Whose play it is. An object and not three functions: there are thousands of them. */
export interface PlayHandler {
  /** Called once, with nothing of the log in flight, when all entries of a finished play have left. */
  handlePlayed(): void;
  handleLag(skippedBytes: number): void;
  /** The cursor lagged too often or stalled; the connection is closed right after. */
  handleEvicted(): void;
}

/** A connection's cursor on an egress log. */
export interface Play {
  /** The log has ended: send what is left, then call {@link PlayHandler.handlePlayed}. */
  finish(): void;
  /** Takes no more entries. What was begun is finished. */
  stop(): void;
  readonly isPaused: boolean;
  /** Takes no entries until resumed; resuming goes on at the newest random access point. */
  pause(isPaused: boolean): void;
}

export interface Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly isEncrypted: boolean;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Queues control bytes. The transport keeps the view, so it must not change any more. */
  send(bytes: Uint8Array): void;
  /** Becomes a cursor on `log`. One at a time. */
  play(log: ReadableLog, options: PlayOptions, handler: PlayHandler): Play;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

export interface ConnectionHandler {
  /** `bytes` are valid during the call only. */
  handleBytes(bytes: Uint8Array): void;
  /** Called once, last. */
  handleClose(): void;
}

export interface TransportCounters {
  readonly acceptedCount: number;
  readonly openCount: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly cursorCount: number;
  readonly jumpCount: number;
  readonly evictedCount: number;
  /** Sockets that failed with an error code (reset, broken pipe, timed out). */
  readonly socketErrorCount: number;
}

export interface Transport {
  readonly counters: TransportCounters;
  listen(options: ListenOptions, accept: (connection: Connection) => ConnectionHandler): Promise<Listener>;
  /**
   * Takes over a socket that something else opened: an HTTP server, before its response head. It must not be used any more: it
   * may be destroyed while the connection goes on.
   */
  adopt(socket: Socket, createHandler: (connection: Connection) => ConnectionHandler): Connection;
  /**
   * The socket's descriptor for another thread's {@link Transport.take}; the socket is destroyed. Undefined, and the socket is
   * as it was, when it can't leave this thread.
   */
  giveAway(socket: Socket): number | undefined;
  /** Takes over what another thread gave away. */
  take(fd: number, createHandler: (connection: Connection) => ConnectionHandler): Connection | undefined;
  /** What other threads ring to wake this one; undefined when only a message can. */
  readonly doorbellFd: number | undefined;
  /** Called when somebody rang. */
  onDoorbell: () => void;
  /** Rings the doorbell of another thread's transport, which is still there. */
  ringDoorbell(fd: number): void;
  /** Closes every connection and waits for the listeners. */
  close(): Promise<void>;
}
