/** One player's hold on a feed. */

import { assert } from "../../bytes/assert.ts";
import type { StreamView } from "../../kernel/egress.ts";
import type { PeerRequest } from "../../kernel/gate.ts";
import type { ReadableLog } from "../../kernel/readable-log.ts";
import type { Feed, Player } from "./feed.ts";

/** One player's hold on a stream in its wire format. */
export interface PlayerSubscription {
  readonly stream: StreamView;
  readonly log: ReadableLog;
  /** What of the stream this player can't be given, as sentences for a person. */
  readonly leftOut: readonly string[];
  close(reason: string): void;
  lagged(): void;
  evicted(): void;
}

/** Whoever counts them and tells of them. */
export interface SubscriptionOwner {
  unsubscribed(subscription: FeedSubscription, reason: string): void;
  lagged(): void;
  evicted(subscription: FeedSubscription): void;
}

export class FeedSubscription implements PlayerSubscription, Player {
  readonly #player: Player;
  /** Set as soon as there is one. */
  feed: Feed | undefined;
  leftOut: readonly string[] = [];
  readonly protocol: string;
  readonly address: string;
  readonly #owner: SubscriptionOwner;

  constructor(owner: SubscriptionOwner, player: Player, request: PeerRequest) {
    this.#owner = owner;
    this.#player = player;
    this.protocol = request.protocol;
    this.address = request.address ?? "";
  }

  get stream(): StreamView {
    return this.#feed.stream;
  }

  get log(): ReadableLog {
    return this.#feed.log;
  }

  get #feed(): Feed {
    assert(this.feed !== undefined, "a subscription is used when it has been given");
    return this.feed;
  }

  handleStreamEnd(reason: string): void {
    this.#player.handleStreamEnd(reason);
  }

  close(reason: string): void {
    this.#owner.unsubscribed(this, reason);
  }

  lagged(): void {
    this.#owner.lagged();
  }

  evicted(): void {
    this.#owner.evicted(this);
  }
}
