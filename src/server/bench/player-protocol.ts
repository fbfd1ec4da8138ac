/** What stands between a connection and the scanners: asking for a stream, and finding the media in what comes. */

import type { Connection } from "../../runtime/transport.ts";

export interface PlayerProtocol {
  /** Takes bytes; they are not kept. @throws CodedError when the server refuses, or sends what the protocol does not know */
  handle(bytes: Uint8Array, nowMs: number): void;
}

/** One for all players of a run: their state is in its columns, a row for each. */
export interface PlayerProtocols {
  /** A new player in row `player`; what was there before is gone. Sends its request at once. */
  start(player: number, connection: Connection, nowMs: number): PlayerProtocol;
}
