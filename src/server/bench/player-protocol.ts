/** What stands between a connection and the scanners: asking for a stream, and finding the media in what comes. */

import type { CodedError } from "../../bytes/coded-error.ts";
import type { Connection } from "../../runtime/transport.ts";

export interface PlayerProtocol {
  /** Takes bytes; they are not kept. @throws CodedError when the server refuses, or sends what the protocol does not know */
  handle(bytes: Uint8Array, nowMs: number): void;
  /** The connection is closed: whatever else there is ends with it. */
  close?(): void;
}

/** The load, for players that get their media elsewhere than on their connection. */
export interface PlayerLink {
  /** Where the connection comes from; undefined where the system has chosen. */
  readonly localAddress: string | undefined;
  /** So many bytes of media have come. */
  received(byteLength: number): void;
  fail(error: CodedError): void;
}

/** One for all players of a run: their state is in its columns, a row for each. */
export interface PlayerProtocols {
  /** A new player in row `player`; what was there before is gone. Sends its request at once. */
  start(player: number, connection: Connection, nowMs: number, link: PlayerLink): PlayerProtocol;
  /** What a reader of the figures must know. */
  notes?(): string[];
}
