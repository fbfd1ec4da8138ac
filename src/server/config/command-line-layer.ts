/** Options on the command line: `--set rtmp.port=1935`, and the short forms `--rtmp-port`, `--http-port`. */

import { ERR_CONFIG_UNKNOWN, ERR_CONFIG_USAGE } from "./errors.ts";
import { type Assignment, unknownOption } from "./layers.ts";
import { type ProblemList, quoted } from "./problem.ts";
import { options } from "./schema.ts";

/** What the command line says, as text. */
export interface CommandLine {
  readonly config?: string | undefined;
  /** Each `key=value`; of two with the same key the later one wins. */
  readonly set?: readonly string[] | undefined;
  readonly rtmpPort?: string | undefined;
  readonly httpPort?: string | undefined;
}

/** Later assignments win: the short forms come last. */
export function readCommandLineLayer(commandLine: CommandLine, problems: ProblemList): Assignment[] {
  const assignments: Assignment[] = [];
  for (const setting of commandLine.set ?? []) {
    const equals = setting.indexOf("=");
    // What follows an equals sign may be a secret; messages repeat the key alone.
    const key = (equals === -1 ? setting : setting.slice(0, equals)).trim();
    const flag = `--set ${quoted(key)}`.trimEnd();
    if (key === "" || equals === -1) {
      problems.add(ERR_CONFIG_USAGE, flag, "expected --set section.option=value");
    } else if (options.has(key)) {
      assignments.push(fromText(key, setting.slice(equals + 1), flag));
    } else {
      problems.add(ERR_CONFIG_UNKNOWN, "--set", unknownOption(key, problems));
    }
  }
  if (commandLine.rtmpPort !== undefined) assignments.push(fromText("rtmp.port", commandLine.rtmpPort, "--rtmp-port"));
  if (commandLine.httpPort !== undefined) assignments.push(fromText("http.port", commandLine.httpPort, "--http-port"));
  return assignments;
}

function fromText(key: string, text: string, flag: string): Assignment {
  return { key, raw: options.get(key)!.fromText(text), origin: { kind: "command line", flag } };
}
