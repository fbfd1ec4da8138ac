/** A stream in one wire format, as one shard plays it: one hold on its log, wherever it is, and any number of players. */

import type { FormatRequest, StreamView } from "../../kernel/egress.ts";
import type { StreamName } from "../../kernel/stream-name.ts";
import { StreamLog } from "./stream-log.ts";

/** Whoever plays. */
export interface Player {
  /** Called once: send what is left, then close. */
  handleStreamEnd(reason: string): void;
}

export class Feed {
  readonly name: StreamName;
  readonly format: FormatRequest;
  readonly formatKey: string;
  readonly log: StreamLog = new StreamLog();
  readonly players: Set<Player> = new Set();
  /** The shard that the log is written on. */
  owner: number;
  stream: StreamView;
  /** Replaced when the stream moves: whoever waits looks again. */
  opening: Promise<void> | undefined;
  /** Counts attempts to attach: what comes of another than the newest is let go of. */
  attempt = 0;
  /** Lets go of the log where it is written. */
  release: () => void = () => {};
  /** Its stream is about to move. */
  isDetached = false;
  isEnded = false;

  constructor(name: StreamName, format: FormatRequest, formatKey: string, owner: number) {
    this.name = name;
    this.owner = owner;
    this.format = format;
    this.formatKey = formatKey;
    this.stream = { name, tracks: [], mediaMs: 0 };
  }

  detach(): void {
    if (this.isDetached) return;
    this.isDetached = true;
    this.log.detach();
    this.release();
    this.release = () => {};
  }
}
