/** Which shard plays HTTP-FLV to whom: those that can take the socket take turns; what can't leave this thread stays. */

import type { Socket } from "node:net";
import { flvFamily, flvFormatRequest } from "../../bridges/flv-egress.ts";
import type { Link } from "../../runtime/shards/link.ts";
import type { StreamAccess } from "../../runtime/shards/shard.ts";
import type { Transport } from "../../runtime/transport.ts";
import type { MediaShardCalls } from "../shards/calls.ts";
import { type FlvPlays, type FlvRequest, selectionOf } from "./flv-plays.ts";

/** A play that waits for its socket. */
export interface WaitingFlv {
  /** Hands the socket over; `head` is sent first. */
  start(socket: Socket, head: Uint8Array): void;
  /** The player is gone before it began. */
  cancel(): void;
}

export interface FlvCarriersOptions {
  readonly streams: StreamAccess;
  /** This thread's. */
  readonly plays: FlvPlays;
  readonly transport: Transport;
  /** Those of the other threads. */
  readonly shards: readonly Link<MediaShardCalls>[];
}

export class FlvCarriers {
  readonly #options: FlvCarriersOptions;
  #turn = 0;

  constructor(options: FlvCarriersOptions) {
    this.#options = options;
  }

  /** Subscribes, so that all that can be refused is refused before the response head. @throws what subscribing throws */
  async open(request: FlvRequest, socket: Socket): Promise<WaitingFlv> {
    const { plays, shards, transport } = this.#options;
    const canLeave = transport.doorbellFd !== undefined && !("encrypted" in socket);
    const shard = canLeave && shards.length > 0 ? shards[this.#turn++ % shards.length] : undefined;
    if (shard !== undefined) return this.#away(shard, await shard.call("openFlv", request));
    const id = await plays.open(request);
    return { start: (given, head) => plays.start(id, given, head), cancel: () => plays.cancel(id) };
  }

  /** For a HEAD request: whether this player would get it. @throws as {@link open} */
  async find(request: FlvRequest): Promise<void> {
    const { tracks } = await this.#options.streams.find(request);
    flvFamily.choose(tracks, flvFormatRequest({ type: "flv" }, selectionOf(request.query)));
  }

  #away(shard: Link<MediaShardCalls>, id: number): WaitingFlv {
    return {
      start: (socket, head) => {
        const fd = this.#options.transport.giveAway(socket);
        if (fd === undefined) {
          shard.tell("cancelFlv", id);
          socket.destroy(); // it said something out of turn, or is gone
        } else {
          shard.tell("startFlv", { id, fd, head });
        }
      },
      cancel: () => shard.tell("cancelFlv", id),
    };
  }
}
