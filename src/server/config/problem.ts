/** What is wrong with a configuration: every problem at once, each with its place. */

import { CodedError } from "../../bytes/coded-error.ts";
import { escapeControls } from "../log/escape-controls.ts";
import { ERR_CONFIG_INVALID } from "./errors.ts";
import { maxProblems, maxQuotedLength } from "./limits.ts";

/** The configuration is refused. The message has one line per problem, `problems` has them one by one. */
export class ConfigError extends CodedError {
  readonly problems: readonly CodedError[];
  /** How many there were, including those that are not in `problems`. */
  readonly problemCount: number;

  constructor(problems: readonly CodedError[], problemCount: number) {
    const more = problemCount - problems.length;
    const lines = problems.map((problem) => problem.message);
    if (more > 0) lines.push(`… and ${more} more`);
    super(ERR_CONFIG_INVALID, lines.join("\n"));
    this.problems = problems;
    this.problemCount = problemCount;
  }
}

/** Collects problems, up to a limit. */
export class ProblemList {
  readonly #problems: CodedError[] = [];
  #count = 0;

  /** `place` is a file with its line, a variable or a flag. */
  add(code: string, place: string, sentence: string): void {
    this.#count++;
    if (!this.isFull) this.#problems.push(new CodedError(code, place === "" ? sentence : `${place}: ${sentence}`));
  }

  /** Whether further problems are only counted: what costs time to find out need not be found out any more. */
  get isFull(): boolean {
    return this.#problems.length >= maxProblems;
  }

  throwIfAny(): void {
    if (this.#count > 0) throw new ConfigError(Object.freeze([...this.#problems]), this.#count);
  }
}

/** A foreign name or value inside a message: shortened, and unable to start a line of its own. */
export function quoted(text: string): string {
  return escapeControls(text.length > maxQuotedLength ? `${text.slice(0, maxQuotedLength)}…` : text);
}
