/** All forwards: begun with the streams that they are of, and ended with them. */

import type { EngineEvent } from "../../kernel/services.ts";
import { isPattern, type StreamEntry, streamSettingsOf } from "../config/stream-settings.ts";
import { Forward, type ForwardOptions } from "./forward.ts";

export interface ForwardSetOptions extends Omit<ForwardOptions, "stream" | "url" | "transport"> {
  readonly entries: readonly StreamEntry[];
}

export class ForwardSet {
  readonly #options: ForwardSetOptions;
  readonly #hasAny: boolean;
  readonly #forwards = new Map<string, readonly Forward[]>();
  /** Streams that an entry names: they are shown also when they are not there. */
  readonly #named: ReadonlySet<string>;

  constructor(options: ForwardSetOptions) {
    const { entries } = options;
    this.#options = options;
    this.#hasAny = entries.some(({ settings }) => (settings.forward ?? []).length > 0);
    this.#named = new Set(entries.map(({ pattern }) => pattern).filter((name) => !isPattern(name)));
    for (const name of this.#named) this.#open(name);
  }

  /** What happened on any shard. */
  handleEvent(event: EngineEvent): void {
    if (!this.#hasAny) return;
    if (event.type === "publish") {
      for (const forward of this.#forwards.get(event.stream) ?? this.#open(event.stream)) forward.start();
    } else if (event.type === "stream.ended") {
      for (const forward of this.#forwards.get(event.stream) ?? []) forward.handleStreamEnd();
      // What still sends the rest of it ends without us.
      if (!this.#named.has(event.stream)) this.#forwards.delete(event.stream);
    }
  }

  stop(reason: string): void {
    for (const forward of [...this.#forwards.values()].flat()) forward.stop(reason);
  }

  /** For `/stats`. */
  describe(): readonly ReturnType<Forward["describe"]>[] {
    return [...this.#forwards.values()].flat().map((forward) => forward.describe());
  }

  #open(key: string): readonly Forward[] {
    const { forward: urls, rtspTransport } = streamSettingsOf(this.#options.entries, key);
    const transport = rtspTransport === "udp" ? "udp" : "tcp";
    const forwards = urls.map((url) => new Forward({ ...this.#options, stream: key, url, transport }));
    if (forwards.length > 0) this.#forwards.set(key, forwards);
    return forwards;
  }
}
