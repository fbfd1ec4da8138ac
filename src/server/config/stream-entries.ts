/** `[[streams]]` entries of the file: checked, each alone and beside the others. */

import { ERR_CONFIG_CONTRADICTION, ERR_CONFIG_VALUE } from "./errors.ts";
import type { StreamTable } from "./file-layer.ts";
import { checkValue, type Option, type RawValue } from "./option.ts";
import { formatOrigin, type Origin } from "./origin.ts";
import { type ProblemList, quoted } from "./problem.ts";
import type { Setting } from "./setting.ts";
import { entryOf, isPattern, type StreamEntry, streamOptions } from "./stream-settings.ts";

export interface CheckedStreams {
  readonly entries: readonly StreamEntry[];
  /** What each entry says, in its own order. */
  readonly settings: readonly (readonly Setting[])[];
}

export function checkStreams(tables: readonly StreamTable[], problems: ProblemList): CheckedStreams {
  const entries: StreamEntry[] = [];
  const settings: Setting[][] = [];
  const known = new Map<string, Origin>();
  for (const table of tables) {
    const checked = checkTable(table, problems);
    if (checked === undefined) continue;
    const { entry, origins } = checked;
    const { pattern } = entry;
    const place = formatOrigin(table.origin);
    const other = known.get(pattern);
    if (other !== undefined) {
      problems.add(ERR_CONFIG_VALUE, place, `${quoted(pattern)} has an entry already, at ${formatOrigin(other)}`);
    }
    known.set(pattern, table.origin);
    checkTogether(entry, origins, problems);
    entries.push(entry);
    settings.push(checked.settings);
  }
  return { entries, settings };
}

interface CheckedTable {
  readonly entry: StreamEntry;
  readonly settings: Setting[];
  readonly origins: ReadonlyMap<string, Origin>;
}

/** Undefined when something is wrong with it. */
function checkTable({ origin, assignments }: StreamTable, problems: ProblemList): CheckedTable | undefined {
  const values = new Map<string, unknown>();
  const origins = new Map<string, Origin>();
  const settings: Setting[] = [];
  let isRefused = false;
  for (const { key, raw, origin: where } of assignments) {
    const option: Option = streamOptions.get(key)!;
    const checked = checkValue(option, raw);
    if ("refusal" in checked) {
      problems.add(ERR_CONFIG_VALUE, formatOrigin(where), `${key}: ${checked.refusal}`);
      isRefused = true;
      continue;
    }
    values.set(key, checked.value);
    origins.set(key, where);
    settings.push(
      Object.freeze({ key, raw: raw as RawValue, origin: Object.freeze(where), isSecret: option.isSecret }),
    );
  }
  if (!isRefused && !values.has("name")) {
    problems.add(ERR_CONFIG_VALUE, formatOrigin(origin), 'the entry needs a name: name = "live/cam"');
    return undefined;
  }
  if (isRefused) return undefined;
  return { entry: entryOf(values), settings, origins };
}

function checkTogether(
  { pattern, settings }: StreamEntry,
  origins: ReadonlyMap<string, Origin>,
  problems: ProblemList,
): void {
  const { source = "", sourceOnDemand = false, sourceFingerprint = "" } = settings;
  const add = (key: string, sentence: string): void => {
    const origin = origins.get(key);
    problems.add(ERR_CONFIG_CONTRADICTION, origin === undefined ? "" : formatOrigin(origin), sentence);
  };
  if (source !== "" && isPattern(pattern) && !sourceOnDemand) {
    add(
      "source",
      `the source of ${quoted(pattern)} needs source_on_demand = true: which streams there are shows when they are played`,
    );
  }
  if (sourceFingerprint !== "" && source !== "" && !/^rtsps:/i.test(source)) {
    add("source_fingerprint", "source_fingerprint is of an rtsps:// source: without TLS there is no certificate");
  }
}
