/** What an RTSP client plays, from its first SETUP on: its hold on the stream, and its cursor on the stream's log. */

import type { RtspDescription, RtspTrack } from "../../bridges/rtsp-egress.ts";
import type { PeerRequest } from "../../kernel/gate.ts";
import type { ReadableLog } from "../../kernel/readable-log.ts";
import type { Play, PlayHandler, PlayOptions } from "../../runtime/play.ts";
import type { Player } from "../../runtime/shards/feed.ts";
import type { PlayerSubscription } from "../../runtime/shards/subscription.ts";
import type { PlayOptionsPair } from "../play-options.ts";

/** As the client wrote it, but for credentials that stand in the query now. */
export interface Asked {
  readonly name: string;
  readonly query: string;
}

export interface Described {
  readonly request: PeerRequest & Asked;
  readonly description: RtspDescription;
}

export interface PlayingHandler {
  /** Becomes a cursor, over whatever the session's tracks were set up with. Undefined when that is gone already. */
  openPlay(playing: Playing, log: ReadableLog, options: PlayOptions): Play | undefined;
  /** The stream has ended, and all of it is sent. */
  handlePlayed(playing: Playing): void;
  /** Too slow too often: it gets nothing more. */
  handleEvicted(playing: Playing): void;
}

export class Playing implements Player, PlayHandler {
  readonly described: Described;
  readonly tracks: RtspTrack[] = [];
  readonly #handler: PlayingHandler;
  subscription: PlayerSubscription | undefined;
  play: Play | undefined;
  isPaused = false;
  #options: PlayOptionsPair | undefined;

  constructor(described: Described, handler: PlayingHandler) {
    this.described = described;
    this.#handler = handler;
  }

  start(options: PlayOptionsPair): void {
    this.#options = options;
    this.pause(this.isPaused);
  }

  /** Also before it has begun: then nothing is sent before it goes on. */
  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    if (this.play !== undefined) this.play.pause(isPaused);
    else if (!isPaused) this.#begin();
  }

  /** The client is elsewhere now: what was sent has not reached it. */
  restart(): void {
    if (this.play === undefined) return;
    this.play.stop();
    this.play = undefined;
    this.pause(this.isPaused);
  }

  handleStreamEnd(): void {
    // Who pauses has nothing under way, and takes no more.
    if (this.isPaused) this.#handler.handlePlayed(this);
    else this.play?.finish();
  }

  handlePlayed(): void {
    this.#handler.handlePlayed(this);
  }

  handleLag(): void {
    this.subscription?.lagged();
  }

  handleEvicted(): void {
    this.subscription?.evicted();
    this.#handler.handleEvicted(this);
  }

  #begin(): void {
    const { subscription } = this;
    if (subscription === undefined || this.#options === undefined) return;
    this.play = this.#handler.openPlay(this, subscription.log, this.#options.fromNewestKeyFrame);
    if (subscription.log.isClosed) this.play?.finish();
  }
}
