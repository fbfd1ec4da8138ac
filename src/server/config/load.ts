/**
 * The layered configuration: built-in < file < environment < command line. Every value keeps its origin; every problem of
 * every layer is reported at once.
 */

import { type CommandLine, readCommandLineLayer } from "./command-line-layer.ts";
import { findContradictions } from "./contradictions.ts";
import { type Environment, readEnvironmentLayer } from "./environment-layer.ts";
import { ERR_CONFIG_VALUE } from "./errors.ts";
import { readFileLayer } from "./file-layer.ts";
import type { ReadFile } from "./layers.ts";
import { checkValue, type RawValue } from "./option.ts";
import { builtIn, formatOrigin, type Origin } from "./origin.ts";
import { ProblemList } from "./problem.ts";
import { buildConfig, type Config, options } from "./schema.ts";
import type { Setting } from "./setting.ts";
import { checkStreams } from "./stream-entries.ts";

/** Everything the configuration is made of. The loader itself knows no process and no file system. */
export interface ConfigSources {
  readonly commandLine: CommandLine;
  readonly env: Environment;
  readonly cwd: string;
  readonly readFile: ReadFile;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read, absolute; undefined when there is none. */
  readonly file: string | undefined;
  /** Every option, in the order of the manual. */
  readonly settings: readonly Setting[];
  /** What each `[[streams]]` entry says. */
  readonly streamSettings: readonly (readonly Setting[])[];
  /** Sentences worth a line in the log: variables that were passed over and may have been meant. */
  readonly notes: readonly string[];
}

/** Loads and checks. Throws a ConfigError with all problems; a value that a higher layer hides is checked as well. */
export function loadConfig({ commandLine, env, cwd, readFile }: ConfigSources): LoadedConfig {
  const problems = new ProblemList();
  const file = readFileLayer(commandLine.config, cwd, readFile, problems);
  const environment = readEnvironmentLayer(env, cwd, readFile, problems);
  const flags = readCommandLineLayer(commandLine, problems);

  const effective = new Map<string, { value: unknown; raw: RawValue; origin: Origin }>();
  for (const [key, option] of options) {
    effective.set(key, { value: option.schema.parse(option.default), raw: option.default, origin: builtIn });
  }
  const refused = new Set<string>();
  for (const { key, raw, origin } of [...file.assignments, ...environment.assignments, ...flags]) {
    const checked = checkValue(options.get(key)!, raw);
    if ("refusal" in checked) {
      problems.add(ERR_CONFIG_VALUE, formatOrigin(origin), `${key}: ${checked.refusal}`);
      refused.add(key);
    } else {
      // Whatever a schema accepts is a raw value.
      effective.set(key, { value: checked.value, raw: raw as RawValue, origin: Object.freeze(origin) });
    }
  }

  const streams = checkStreams(file.streamTables, problems);
  const config = buildConfig((key) => effective.get(key)?.value, streams.entries);
  findContradictions(config, (key) => (refused.has(key) ? undefined : effective.get(key)?.origin), problems);
  problems.throwIfAny();

  const settings = [...effective].map(([key, { raw, origin }]) =>
    Object.freeze({ key, raw, origin, isSecret: options.get(key)!.isSecret }),
  );
  return Object.freeze({
    config,
    file: file.path,
    settings: Object.freeze(settings),
    streamSettings: Object.freeze(streams.settings.map((each) => Object.freeze(each))),
    notes: Object.freeze([...environment.notes]),
  });
}
