/**
 * The server's log: JSON lines for machines, one line per event for people.
 *
 * Fields: `level` (a word), `time` (ISO 8601, UTC), `msg`, and where they apply `code` (of a CodedError), `stream`
 * (`app/name`), `session`, `address`. A value of foreign origin can't start a line of its own, and secrets are masked whoever
 * logs them.
 */

import pino from "pino";
import { prettyFactory } from "pino-pretty";
import type { LogFormat, LogLevel } from "../config/schema.ts";
import { escapeControls, unicodeEscape } from "./escape-controls.ts";
import { mask, maskUrlsInJson } from "./mask-url.ts";

export type Logger = pino.Logger;

/** Takes finished lines, each with its newline. */
export interface LogDestination {
  write(line: string): unknown;
}

/** What every thread's logger has in common. */
export interface LoggerSettings {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Whether people read along: decides what `auto` is. */
  readonly isTerminal: boolean;
  /** Colours in pretty lines; as `isTerminal` when left out. */
  readonly hasColors?: boolean;
}

export interface LoggerOptions extends LoggerSettings {
  /** Standard output when left out. */
  readonly destination?: LogDestination;
}

/** Makes a logger. Lines reach standard output without making the event loop wait for whoever reads them. */
export function createLogger(options: LoggerOptions): Logger {
  const destination = options.destination ?? standardOutput();
  const isPretty = options.format === "pretty" || (options.format === "auto" && options.isTerminal);
  return pino(
    {
      level: options.level,
      // The process id and the host name are what the collector knows anyway.
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretPaths, censor: mask },
      hooks: { streamWrite: (line) => maskUrlsInJson(escapeRest(line)) },
    },
    isPretty ? prettyDestination(destination, options.hasColors ?? options.isTerminal) : destination,
  );
}

/**
 * Writes in the background. A reader that stands still (a full pipe) costs log lines, not frames: what exceeds the buffer is
 * dropped.
 */
export function standardOutput(): LogDestination {
  return pino.destination({ dest: 1, sync: false, maxLength: maxBufferedBytes });
}

function prettyDestination(destination: LogDestination, colorize: boolean): LogDestination & { flush(): void } {
  const format = prettyFactory({
    colorize,
    singleLine: true,
    translateTime: "SYS:HH:MM:ss.l",
    errorLikeObjectKeys: ["err", "error"],
  });
  return {
    write: (line: string) => destination.write(format(escapeStrings(JSON.parse(line)))),
    flush: () => (destination as Partial<pino.DestinationStream & { flush(): void }>).flush?.(),
  };
}

/** JSON escapes line ends and C0 controls by itself; terminals also obey C1 and DEL, some readers split at U+2028. */
function escapeRest(line: string): string {
  return line.replace(/[\u007f-\u009f\u2028\u2029]/g, unicodeEscape);
}

/** A log record with the control characters of every string made visible. A stack keeps its line ends. */
function escapeStrings(value: unknown, key?: string): unknown {
  if (typeof value === "string") {
    return key === "stack" ? value.split("\n").map(escapeControls).join("\n") : escapeControls(value);
  }
  if (Array.isArray(value)) return value.map((item) => escapeStrings(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [escapeControls(name), escapeStrings(inner, name)]),
  );
}

/** A burst of 5,000 lines. */
const maxBufferedBytes = 1024 * 1024;

const secretPaths: string[] = [
  "token",
  "publishToken",
  "playToken",
  "streamKey",
  "password",
  "passphrase",
  "secret",
  "authorization",
  "cookie",
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
