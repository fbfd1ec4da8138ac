/**
 * Sockets, as the server sees them, whatever carries them out: the portable transport on `node:net`, or the native addon.
 *
 * A connection sends two kinds of bytes: control bytes, given one by one, and the entries of an egress log, which it takes by
 * itself as a cursor. Control bytes go out between entries, never inside one.
 */

import type { Socket } from "node:net";
import type { SecureContextOptions } from "node:tls";
import type { ReadableLog } from "../kernel/readable-log.ts";
import type { DatagramTransport } from "./datagrams.ts";
import type { Play, PlayHandler, PlayOptions } from "./play.ts";

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
  /** Called once, first, for connections that {@link Transport.connect} began: the peer has answered. */
  handleConnect?(): void;
  /** `bytes` are valid during the call only. */
  handleBytes(bytes: Uint8Array): void;
  /**
   * Called once, last.
   *
   * @param errorName - the system's name of what went wrong, as in "ECONNREFUSED"; undefined when nothing did
   */
  handleClose(errorName?: string): void;
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
  /** Control bytes that wait for their sockets, now; media waits in its log. */
  readonly queuedBytes: number;
  /** What the addon's records of connections take, now; those of TypeScript can't be counted. */
  readonly connectionTableBytes: number;
}

export interface ConnectOptions {
  /** An IP address: whoever has a name resolves it first. */
  readonly host: string;
  readonly port: number;
  /** Where the connection comes from; the system chooses when undefined. Each address has some 28,000 ports to one peer. */
  readonly localAddress?: string;
}

export interface Transport extends DatagramTransport {
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
  /**
   * Another descriptor of a doorbell, which stays what it is when the transport that answers it has gone: ringing then wakes
   * nobody, where the first descriptor's number may mean any file by then. Undefined when it can't be had.
   */
  holdDoorbell(fd: number): number | undefined;
  /** Lets go of what {@link holdDoorbell} gave: nobody rings it any more. */
  dropDoorbell(fd: number): void;
  /** Rings the doorbell of another thread's transport: a descriptor that is held. */
  ringDoorbell(fd: number): void;
  /**
   * Begins a connection of our own. What is sent before it stands waits. It has no time limit but the system's, which is
   * minutes: who can't wait destroys it.
   */
  connect(options: ConnectOptions, createHandler: (connection: Connection) => ConnectionHandler): Connection;
  /** Closes every connection and waits for the listeners. */
  close(): Promise<void>;
}
