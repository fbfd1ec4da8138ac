/** All streams that the server fetches by itself: started with it, or when somebody wants to play one. */

import type { AccessRequest, EngineEvent } from "../../kernel/services.ts";
import type { StreamName } from "../../kernel/stream-name.ts";
import type { StreamSupply } from "../../runtime/shards/controller.ts";
import { isPattern, type StreamEntry, streamSettingsOf } from "../config/stream-settings.ts";
import { pullProtocol, pushProtocol } from "../outbound/calls.ts";
import { maxPatternSources, maxStartingPatternSources } from "./limits.ts";
import { Source, type SourceOptions } from "./source.ts";

export interface SourceSetOptions extends Omit<SourceOptions, "stream" | "settings" | "onIdle"> {
  readonly entries: readonly StreamEntry[];
}

export class SourceSet implements StreamSupply {
  readonly #options: SourceSetOptions;
  readonly #hasAny: boolean;
  readonly #sources = new Map<string, Source>();
  /** Of those that no entry names: they are made when they are wanted, and forgotten when they are not. */
  readonly #fromPatterns = new Set<string>();
  #isStopped = false;

  constructor(options: SourceSetOptions) {
    this.#options = options;
    this.#hasAny = options.entries.some(({ settings }) => (settings.source ?? "") !== "");
    for (const { pattern } of options.entries) {
      if (!isPattern(pattern) && this.#sourceOf(pattern) !== "") this.#open(pattern);
    }
  }

  /** Those that are fetched whether anybody plays or not. */
  start(): void {
    for (const source of this.#sources.values()) if (!source.isOnDemand) source.start();
  }

  stop(reason: string): void {
    this.#isStopped = true;
    for (const source of [...this.#sources.values()]) source.stop(reason);
  }

  /** For `/stats`. */
  describe(): readonly ReturnType<Source["describe"]>[] {
    return Array.from(this.#sources.values(), (source) => source.describe());
  }

  refusal({ stream, protocol }: AccessRequest): string | undefined {
    if (!this.#hasAny || protocol === pullProtocol || this.#sourceOf(stream.key) === "") return undefined;
    return `${stream.key} is fetched from a source, which its [[streams]] entry names: nobody can publish it`;
  }

  summon({ key }: StreamName, protocol: string): Promise<void> | undefined {
    // A forward sends on what is there; it is no reason for a stream to be there.
    if (!this.#hasAny || this.#isStopped || protocol === pushProtocol) return undefined;
    const source = this.#sources.get(key) ?? this.#openFromPattern(key);
    return source?.isOnDemand === true ? source.summon() : undefined;
  }

  /** What happened on any shard. */
  handleEvent(event: EngineEvent): void {
    if (event.type !== "subscribe" && event.type !== "unsubscribe") return;
    if (event.protocol === pushProtocol) return;
    this.#sources.get(event.stream)?.handlePlayer(event.type === "subscribe" ? 1 : -1);
  }

  #openFromPattern(key: string): Source | undefined {
    if (this.#sourceOf(key) === "") return undefined;
    let startingCount = 0;
    for (const name of this.#fromPatterns) {
      const state = this.#sources.get(name)?.state;
      if (state === "connecting" || state === "waiting") startingCount++;
    }
    if (this.#fromPatterns.size >= maxPatternSources || startingCount >= maxStartingPatternSources) return undefined;
    this.#fromPatterns.add(key);
    return this.#open(key);
  }

  #open(key: string): Source {
    const settings = streamSettingsOf(this.#options.entries, key);
    const onIdle = (): void => {
      if (!this.#fromPatterns.has(key)) return;
      setTimeout(() => this.#forget(key), source.waitMs).unref();
    };
    const source: Source = new Source({ ...this.#options, stream: key, settings, onIdle });
    this.#sources.set(key, source);
    return source;
  }

  #forget(key: string): void {
    if (this.#sources.get(key)?.state !== "idle") return; // wanted again meanwhile
    this.#fromPatterns.delete(key);
    this.#sources.delete(key);
  }

  #sourceOf(key: string): string {
    return streamSettingsOf(this.#options.entries, key).source;
  }
}
