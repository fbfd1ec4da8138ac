/**
 * What is set for single streams: `[[streams]]` entries of the file, each for one name or for all names that a pattern fits.
 *
 * To add an option: a line in `table`, a field in `StreamSettings`, a line in `settingsOf`, and its paragraph in
 * `millrace.toml`. Of several entries that fit a stream the exact name goes first, then the patterns in the order of the file;
 * each option is that of the first of them that sets it.
 */

import type { z } from "zod";
import {
  choice,
  duration,
  fingerprint,
  flag,
  type Option,
  rtspAddress,
  rtspAddresses,
  streamPattern,
} from "./option.ts";
import { parseDurationMs } from "./units.ts";

export type RtspTransportChoice = "auto" | "tcp" | "udp";

/** All of one stream. Each field is explained in `table`. */
export interface StreamSettings {
  /** Empty for none. Secret. */
  readonly source: string;
  readonly sourceOnDemand: boolean;
  readonly sourceOnDemandTimeoutMs: number;
  readonly sourceOnDemandCloseAfterMs: number;
  /** In lower case without colons; empty for none. */
  readonly sourceFingerprint: string;
  readonly rtspTransport: RtspTransportChoice;
  /** Secret. */
  readonly forward: readonly string[];
}

/** One entry: a name, or a pattern with one `*`, and what it sets. */
export interface StreamEntry {
  readonly pattern: string;
  readonly settings: Partial<StreamSettings>;
}

const table = {
  name: streamPattern({
    default: "live/*",
    doc: "The stream that the entry is for; a * stands for any part of a name, slashes included.",
  }),
  source: rtspAddress({
    default: "",
    doc: "Where the server fetches the stream from; nobody can publish to it then. In an entry with a * in its name, a * in the address stands for the same.",
  }),
  source_on_demand: flag({
    default: false,
    doc: "Whether the stream is fetched only while somebody plays it. Entries with a * in their name need it.",
  }),
  source_on_demand_timeout: duration({
    default: "8s",
    min: "1s",
    max: "30s",
    doc: "How long the first player waits for the source before it is told that there is no such stream.",
  }),
  source_on_demand_close_after: duration({
    default: "10s",
    min: "0s",
    max: "1d",
    doc: "How long after its last player has left the stream is still fetched.",
  }),
  source_fingerprint: fingerprint({
    default: "",
    doc: "The certificate of an rtsps:// source that no authority has signed; any other is refused then.",
  }),
  rtsp_transport: choice({
    default: "auto",
    words: ["auto", "tcp", "udp"],
    doc: "What packets of a source come over, and those of forwards go: auto is TCP, and UDP where a source knows nothing else; udp goes over to TCP by itself when nothing gets through.",
  }),
  forward: rtspAddresses({
    default: [],
    doc: "Where the server sends the stream on to. A * stands for the same as the one in the name.",
  }),
} satisfies Record<string, Option>;

/** The options of an entry by name, in the order of the manual. */
export const streamOptions: ReadonlyMap<string, Option> = new Map(Object.entries(table));

/** What the stream `key` has, of all entries that fit it. */
export function streamSettingsOf(entries: readonly StreamEntry[], key: string): StreamSettings {
  const found: { -readonly [K in keyof StreamSettings]?: StreamSettings[K] } = {};
  for (const { pattern, settings } of inOrder(entries)) {
    const filling = matchPattern(pattern, key);
    if (filling === undefined) continue;
    Object.assign(found, { ...(isPattern(pattern) ? filled(settings, filling) : settings), ...found });
  }
  return { ...defaults, ...found };
}

function filled(settings: Partial<StreamSettings>, filling: string): Partial<StreamSettings> {
  const { source, forward } = settings;
  // Behind the host only: who chooses a stream's name must not choose the machine that is called. Names need no escapes there.
  const fill = (address: string): string =>
    address.replace(/^(rtsps?:\/\/[^/?]*)(.*)$/i, (_, host: string, path: string) => host + path.replace("*", filling));
  return {
    ...settings,
    ...(source === undefined ? {} : { source: fill(source) }),
    ...(forward === undefined ? {} : { forward: forward.map(fill) }),
  };
}

/** What the `*` of `pattern` stands for in `key`; empty when it has none and is the same; undefined when it does not fit. */
export function matchPattern(pattern: string, key: string): string | undefined {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === key ? "" : undefined;
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  const isFit = key.length > before.length + after.length && key.startsWith(before) && key.endsWith(after);
  return isFit ? key.slice(before.length, key.length - after.length) : undefined;
}

export function isPattern(name: string): boolean {
  return name.includes("*");
}

/** @param checked - what the schemas of {@link streamOptions} made of the options that were set; a name is among them */
export function entryOf(checked: ReadonlyMap<string, unknown>): StreamEntry {
  // TypeScript cannot see it through the strings.
  const values = Object.fromEntries(checked) as Partial<Values> & Pick<Values, "name">;
  const settings: { -readonly [K in keyof StreamSettings]?: StreamSettings[K] | undefined } = {
    source: values.source,
    sourceOnDemand: values.source_on_demand,
    sourceOnDemandTimeoutMs: values.source_on_demand_timeout,
    sourceOnDemandCloseAfterMs: values.source_on_demand_close_after,
    sourceFingerprint: values.source_fingerprint,
    rtspTransport: values.rtsp_transport,
    forward: values.forward,
  };
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return { pattern: values.name, settings: Object.fromEntries(given) };
}

type Options = typeof table;
type Values = { [K in keyof Options]: z.output<Options[K]["schema"]> };

const defaults: StreamSettings = Object.freeze({
  source: "",
  sourceOnDemand: false,
  sourceOnDemandTimeoutMs: parseDurationMs(table.source_on_demand_timeout.default as string),
  sourceOnDemandCloseAfterMs: parseDurationMs(table.source_on_demand_close_after.default as string),
  sourceFingerprint: "",
  rtspTransport: "auto",
  forward: [],
});

function inOrder(entries: readonly StreamEntry[]): readonly StreamEntry[] {
  return entries.toSorted((a, b) => Number(isPattern(a.pattern)) - Number(isPattern(b.pattern)));
}
