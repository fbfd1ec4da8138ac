/**
 * Environment variables: `MILLRACE__RTMP__PORT=1935` for every option, `MILLRACE__ACCESS__PUBLISH_TOKEN_FILE=/run/secrets/x`
 * for secrets that are mounted as files, and the historical `RTMP_PORT`, `HTTP_PORT`.
 */

import { resolve } from "node:path";
import {
  ERR_CONFIG_SYNTAX,
  ERR_CONFIG_TOO_LARGE,
  ERR_CONFIG_UNKNOWN,
  ERR_CONFIG_UNREADABLE,
  ERR_CONFIG_USAGE,
} from "./errors.ts";
import { reasonOf } from "./file-layer.ts";
import { type Assignment, inFileOnly, isStreamsKey, type ReadFile, suggestedOption } from "./layers.ts";
import { maxSecretFileBytes } from "./limits.ts";
import { type ProblemList, quoted } from "./problem.ts";
import { options } from "./schema.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentLayer {
  /** Later ones win: the historical names come first. */
  readonly assignments: readonly Assignment[];
  /** What was passed over and may have been meant. */
  readonly notes: readonly string[];
}

/** The variable of an option: `rtmp.tls.port` → `MILLRACE__RTMP__TLS__PORT`. */
function variableOf(key: string): string {
  return `${prefix}${key.replaceAll(".", "__").toUpperCase()}`;
}

/** Collects what the environment says. Variables of other programs are not looked at. */
export function readEnvironmentLayer(
  env: Environment,
  cwd: string,
  readFile: ReadFile,
  problems: ProblemList,
): EnvironmentLayer {
  const assignments: Assignment[] = [];
  const notes: string[] = [];

  for (const [variable, key] of historicalVariables) {
    const text = env[variable];
    // Compose files write VARIABLE= for "not set".
    if (text === undefined || text === "") continue;
    if (isServiceLink(text)) {
      notes.push(`${variable}=${quoted(text)} was passed over: Kubernetes sets it for a Service of that name`);
      continue;
    }
    assignments.push(fromText(key, text, variable));
  }

  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined) continue;
    if (!variable.startsWith(prefix)) {
      const meant = singleUnderscores.get(variable);
      if (meant !== undefined && !isServiceLink(text)) {
        notes.push(`${variable} is not read; for ${meant} write ${variableOf(meant)}, with two underscores`);
      }
      continue;
    }
    const key = keysOfVariables.get(variable);
    if (key !== undefined) {
      assignments.push(fromText(key, text, variable));
      continue;
    }
    const fileKey = variable.endsWith(fileSuffix)
      ? keysOfVariables.get(variable.slice(0, -fileSuffix.length))
      : undefined;
    if (fileKey === undefined) {
      problems.add(ERR_CONFIG_UNKNOWN, quoted(variable), unknownVariable(variable, problems));
    } else if (!options.get(fileKey)!.isSecret) {
      problems.add(ERR_CONFIG_USAGE, variable, `only secrets are read from files; write ${variableOf(fileKey)}=…`);
    } else if (env[variableOf(fileKey)] !== undefined) {
      problems.add(ERR_CONFIG_USAGE, variable, `${variableOf(fileKey)} is set as well; leave one of them out`);
    } else {
      const secret = readSecret(variable, resolve(cwd, text), readFile, problems);
      if (secret !== undefined) assignments.push(fromText(fileKey, secret, variable));
    }
  }
  return { assignments, notes };
}

function fromText(key: string, text: string, variable: string): Assignment {
  return { key, raw: options.get(key)!.fromText(text), origin: { kind: "environment", variable } };
}

/** The contents of a mounted secret without the newline at its end. */
function readSecret(variable: string, path: string, readFile: ReadFile, problems: ProblemList): string | undefined {
  let bytes: Uint8Array | undefined;
  try {
    bytes = readFile(path, maxSecretFileBytes);
  } catch (error) {
    problems.add(ERR_CONFIG_UNREADABLE, variable, `the secret cannot be read: ${quoted(reasonOf(error))}`);
    return undefined;
  }
  if (bytes === undefined) {
    problems.add(ERR_CONFIG_UNREADABLE, variable, `there is no file ${quoted(path)}`);
    return undefined;
  }
  if (bytes.length > maxSecretFileBytes) {
    problems.add(ERR_CONFIG_TOO_LARGE, variable, `expected a secret of at most ${maxSecretFileBytes} bytes`);
    return undefined;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r?\n$/, "");
  } catch {
    problems.add(ERR_CONFIG_SYNTAX, variable, "expected the secret's file to be text in UTF-8");
    return undefined;
  }
}

function unknownVariable(variable: string, problems: ProblemList): string {
  const key = variable.slice(prefix.length).toLowerCase().replaceAll("__", ".");
  if (isStreamsKey(key)) return inFileOnly;
  const suggestion = problems.isFull ? undefined : suggestedOption(key);
  return `no option has this variable${suggestion === undefined ? "" : `; did you mean ${variableOf(suggestion)}?`}`;
}

/** `tcp://10.0.0.7:1935`: what Kubernetes puts into RTMP_PORT when a Service is called "rtmp". */
function isServiceLink(text: string): boolean {
  return /^(tcp|udp):\/\//.test(text);
}

const prefix = "MILLRACE__";
const fileSuffix = "_FILE";

const historicalVariables: readonly (readonly [variable: string, key: string])[] = [
  ["RTMP_PORT", "rtmp.port"],
  ["HTTP_PORT", "http.port"],
];

const keysOfVariables: ReadonlyMap<string, string> = new Map([...options.keys()].map((key) => [variableOf(key), key]));

const singleUnderscores: ReadonlyMap<string, string> = new Map(
  [...options.keys()].map((key) => [variableOf(key).replaceAll("__", "_"), key]),
);
