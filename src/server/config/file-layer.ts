/** The configuration file (TOML): found, read within its limits, and taken apart into assignments with their lines. */

import { resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { CodedError } from "../../bytes/coded-error.ts";
import {
  ERR_CONFIG_SYNTAX,
  ERR_CONFIG_TOO_LARGE,
  ERR_CONFIG_UNKNOWN,
  ERR_CONFIG_UNREADABLE,
  ERR_CONFIG_VALUE,
} from "./errors.ts";
import { type Assignment, type ReadFile, unknownOption } from "./layers.ts";
import { maxDepth, maxFileBytes, maxStreamEntries } from "./limits.ts";
import { nearestName } from "./nearest-name.ts";
import type { Origin } from "./origin.ts";
import { type ProblemList, quoted } from "./problem.ts";
import { options, sectionNames } from "./schema.ts";
import { streamOptions } from "./stream-settings.ts";
import { type KeyPosition, scanKeyPositions } from "./toml-positions.ts";

/** Where a file is looked for when none is named: the working directory first, then the machine's. */
const defaultFiles: readonly string[] = ["millrace.toml", "/etc/millrace/millrace.toml"];

export interface FileLayer {
  /** The file that was read; undefined when there is none. */
  readonly path: string | undefined;
  readonly assignments: readonly Assignment[];
  readonly streamTables: readonly StreamTable[];
}

/** One `[[streams]]` entry, unchecked; the keys are those of `streamOptions`. */
export interface StreamTable {
  readonly origin: Origin;
  readonly assignments: readonly Assignment[];
}

/** Reads the file named by `--config`, or the first of the default ones that exists. */
export function readFileLayer(
  named: string | undefined,
  cwd: string,
  readFile: ReadFile,
  problems: ProblemList,
): FileLayer {
  for (const candidate of named === undefined ? defaultFiles : [named]) {
    const path = resolve(cwd, candidate);
    // Messages name a file as the person would: what was typed, or the name that is looked for.
    const shownPath = quoted(candidate);
    let bytes: Uint8Array | undefined;
    try {
      bytes = readFile(path, maxFileBytes);
    } catch (error) {
      problems.add(ERR_CONFIG_UNREADABLE, shownPath, `the file cannot be read: ${quoted(reasonOf(error))}`);
      return { path, ...nothing };
    }
    if (bytes !== undefined) return { path, ...parseFile(bytes, shownPath, problems) };
    if (named !== undefined) {
      problems.add(ERR_CONFIG_UNREADABLE, shownPath, `there is no such file (looked for ${quoted(path)})`);
    }
  }
  return { path: undefined, ...nothing };
}

/** The system's reason in its own words, without the stack. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function parseFile(bytes: Uint8Array, path: string, problems: ProblemList): Omit<FileLayer, "path"> {
  if (bytes.length > maxFileBytes) {
    problems.add(ERR_CONFIG_TOO_LARGE, path, `expected at most ${maxFileBytes} bytes; is this the right file?`);
    return nothing;
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    problems.add(ERR_CONFIG_SYNTAX, path, "expected UTF-8; save the file in that encoding");
    return nothing;
  }
  try {
    // Names such as __proto__ are no option's: the document ends there.
    const root = parse(text, { maxDepth, unsafeKeyBehaviour: "throw" });
    const walk = new Walk(path, problems);
    walk.table(root, scanKeyPositions(text), "");
    // In the order of the lines, so that the problems found in them are too.
    const assignments = walk.assignments.sort((a, b) => lineOf(a) - lineOf(b));
    return { assignments, streamTables: walk.streamTables };
  } catch (error) {
    if (error instanceof TomlError) {
      // The first line only: the ones that follow repeat the file's text, in which there may be secrets.
      const [sentence = ""] = error.message.replace("Invalid TOML document: ", "").split("\n", 1);
      problems.add(ERR_CONFIG_SYNTAX, `${path}:${error.line}:${error.column}`, quoted(sentence));
    } else if (error instanceof CodedError) {
      problems.add(error.code, path, error.message);
    } else {
      throw error;
    }
    return nothing;
  }
}

class Walk {
  readonly assignments: Assignment[] = [];
  readonly streamTables: StreamTable[] = [];
  readonly #path: string;
  readonly #problems: ProblemList;

  constructor(path: string, problems: ProblemList) {
    this.#path = path;
    this.#problems = problems;
  }

  /** Goes down sections to options; `prefix` is empty or ends in a dot. The depth is that of the deepest section. */
  table(table: object, position: KeyPosition, prefix: string): void {
    for (const [name, raw] of Object.entries(table)) {
      const child = position.children.get(name);
      const origin = this.#originOf(child);
      // A dot inside a quoted name separates nothing: it must not pass for an option's key.
      const key = name.includes(".") ? `${prefix}"${name}"` : `${prefix}${name}`;
      const place = `${this.#path}:${origin.line}`;
      if (options.has(key)) {
        this.assignments.push({ key, raw, origin });
      } else if (key === streamsKey) {
        this.#streams(raw, child ?? position, place);
      } else if (!sectionNames.has(key)) {
        const isSection = isTable(raw) || (Array.isArray(raw) && raw.every(isTable));
        const sentence = isSection ? this.#unknownSection(key) : unknownOption(key, this.#problems);
        this.#problems.add(ERR_CONFIG_UNKNOWN, place, sentence);
      } else if (isTable(raw)) {
        this.table(raw, child ?? position, `${key}.`);
      } else {
        this.#problems.add(
          ERR_CONFIG_VALUE,
          place,
          `${key} is a section: expected [${key}] once, with its options below`,
        );
      }
    }
  }

  #streams(raw: unknown, position: KeyPosition, place: string): void {
    if (!Array.isArray(raw) || !raw.every(isTable)) {
      this.#problems.add(ERR_CONFIG_VALUE, place, "streams is a list: expected [[streams]] in front of each entry");
      return;
    }
    if (raw.length > maxStreamEntries) {
      this.#problems.add(ERR_CONFIG_VALUE, place, `expected at most ${maxStreamEntries} entries of streams`);
      return;
    }
    for (const [index, table] of raw.entries()) this.#stream(table, position.children.get(String(index)) ?? position);
  }

  #stream(table: object, position: KeyPosition): void {
    const assignments: Assignment[] = [];
    for (const [key, raw] of Object.entries(table)) {
      const origin = this.#originOf(position.children.get(key));
      if (streamOptions.has(key)) {
        assignments.push({ key, raw, origin });
        continue;
      }
      const near = this.#problems.isFull ? undefined : nearestName(key, streamOptions.keys());
      const advice = near === undefined ? "" : `; did you mean ${near}?`;
      const place = `${this.#path}:${origin.line}`;
      this.#problems.add(ERR_CONFIG_UNKNOWN, place, `${quoted(key)} is not an option of [[streams]]${advice}`);
    }
    this.streamTables.push({ origin: this.#originOf(position), assignments });
  }

  #originOf(position: KeyPosition | undefined): Extract<Origin, { kind: "file" }> {
    return { kind: "file", path: this.#path, line: position?.line ?? 1, column: position?.column ?? 1 };
  }

  #unknownSection(key: string): string {
    const near = nearestName(key, [...sectionNames, streamsKey]);
    const meant = near === streamsKey ? `[[${near}]]` : `[${near}]`;
    const advice =
      near === undefined
        ? `the sections are ${[...sectionNames].join(", ")}, and [[${streamsKey}]]`
        : `did you mean ${meant}?`;
    return `[${quoted(key)}] is not a section; ${advice}`;
  }
}

function lineOf({ origin }: Assignment): number {
  return origin.kind === "file" ? origin.line : 0;
}

function isTable(raw: unknown): raw is object {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw) && !(raw instanceof Date);
}

/** The name of `[[streams]]`. */
const streamsKey = "streams";

const nothing: Omit<FileLayer, "path"> = { assignments: [], streamTables: [] };
