/**
 * The kinds of options: what each accepts in the file (a TOML value), on the command line and in the environment (text),
 * and what the program gets of it (milliseconds, bytes, lists).
 */

import { isIP } from "node:net";
import * as z from "zod";
import { CodedError } from "../../bytes/coded-error.ts";
import { parseStreamName } from "../../kernel/stream-name.ts";
import { maxUrlLength } from "../../protocols/rtsp/limits.ts";
import { parseRtspUrl } from "../../protocols/rtsp/url.ts";
import { maxForwards } from "./limits.ts";
import { quoted } from "./problem.ts";
import { parseDurationMs, parseSizeBytes } from "./units.ts";

/** A value as a person writes it in the file. */
export type RawValue = string | number | boolean | readonly string[];

export interface Option<T = unknown> {
  /** The built-in value, as one would write it in the file. */
  readonly default: RawValue;
  /** What it does, in a sentence or two. */
  readonly doc: string;
  /** What a value must be, with range and unit: the end of a sentence that begins with "expected". */
  readonly expected: string;
  /** Secrets are masked wherever values are shown, and may be mounted as files. */
  readonly isSecret: boolean;
  readonly schema: z.ZodType<T>;
  /** The TOML value that a text of the environment or the command line stands for. */
  readonly fromText: (text: string) => unknown;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface MulticastRange {
  /** The first address, as a number. */
  readonly base: number;
  readonly count: number;
}

interface Common<D> {
  readonly default: D;
  readonly doc: string;
}

export function flag(common: Common<boolean>): Option<boolean> {
  return {
    ...common,
    expected: "true or false",
    isSecret: false,
    schema: z.boolean(),
    fromText: (text) => (text === "true" ? true : text === "false" ? false : text),
  };
}

export interface IntegerOptions extends Common<number> {
  readonly min: number;
  readonly max: number;
  /** "bytes", "seconds"; left out for counts. */
  readonly unit?: string;
}

export function integer({ min, max, unit, ...common }: IntegerOptions): Option<number> {
  const expected = `an integer from ${min} to ${max}${unit === undefined ? "" : ` (${unit})`}`;
  const schema = z.int().min(min).max(max);
  return { ...common, expected, isSecret: false, schema, fromText: integerFromText };
}

/** One of a few words. */
export function choice<const W extends string>(options: Common<NoInfer<W>> & { words: readonly W[] }): Option<W> {
  const { words, ...common } = options;
  const listed = words.map((word) => `"${word}"`);
  return {
    ...common,
    expected: `${listed.slice(0, -1).join(", ")} or ${listed.at(-1)}`,
    isSecret: false,
    schema: z.enum(words),
    fromText: asIs,
  };
}

export function duration(options: Common<string> & { min: string; max: string }): Option<number> {
  return quantity(options, parseDurationMs, "duration");
}

export function size(options: Common<string> & { min: string; max: string }): Option<number> {
  return quantity(options, parseSizeBytes, "size");
}

/** The address a listener binds to; empty for all of them. */
export function host(common: Common<string>): Option<string> {
  return {
    ...common,
    expected: 'an IP address or a host name without a port, or "" for all addresses',
    isSecret: false,
    schema: z
      .string()
      .refine((text) => text === "" || isIP(text) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$/.test(text)),
    fromText: asIs,
  };
}

/** A path in the file system; empty for none. */
export function path(common: Common<string>): Option<string> {
  return {
    ...common,
    expected: 'the path of a file, or ""',
    isSecret: false,
    // A line break or NUL means that the contents came instead of the path.
    schema: z
      .string()
      .max(4096)
      .regex(/^\P{Cc}*$/u),
    fromText: asIs,
  };
}

/** Ports from one to another, "20000-20999"; empty for none: then the program gets undefined. */
export function portRange(common: Common<string>): Option<PortRange | undefined> {
  return {
    ...common,
    expected: 'two ports and a dash between them, the lower one first, such as "20000-20999", or ""',
    isSecret: false,
    schema: z.string().transform((text, context) => {
      if (text === "") return undefined;
      const [first = 0, last = 0] = (/^(\d{1,5})-(\d{1,5})$/.exec(text)?.slice(1) ?? []).map(Number);
      if (first >= 1 && first < last && last <= 65_535) return { first, last };
      context.addIssue({ code: "custom", input: text });
      return z.NEVER;
    }),
    fromText: asIs,
  };
}

/** Multicast groups of IPv4, as address and length of their prefix. */
export function multicastRange(common: Common<string>): Option<MulticastRange> {
  return {
    ...common,
    expected: 'a range of multicast addresses of IPv4 (224.0.0.0 to 239.255.255.255), such as "239.255.0.0/16"',
    isSecret: false,
    schema: z.string().transform((text, context) => {
      const [address = "", prefix = "", ...others] = text.split("/");
      const prefixLength = /^\d{1,2}$/.test(prefix) && others.length === 0 ? Number(prefix) : -1;
      if (isIP(address) === 4 && prefixLength >= 4 && prefixLength <= 32) {
        const base = address.split(".").reduce((number, byte) => number * 256 + Number(byte), 0);
        const count = 2 ** (32 - prefixLength);
        if (base >= firstMulticastAddress && base + count <= endOfMulticast && base % count === 0)
          return { base, count };
      }
      context.addIssue({ code: "custom", input: text });
      return z.NEVER;
    }),
    fromText: asIs,
  };
}

/** A credential, compared as a whole; empty for none. It travels in addresses, hence no blanks. */
export function secret(common: Common<string>): Option<string> {
  return {
    ...common,
    expected: 'a string of up to 1024 visible ASCII characters without blanks, or ""',
    isSecret: true,
    schema: z
      .string()
      .max(1024)
      .regex(/^[\x21-\x7e]*$/),
    fromText: asIs,
  };
}

/** Web origins that may read the media: a string or a list of strings; the program gets a list. */
export function webOrigins(common: Common<string | readonly string[]>): Option<readonly string[]> {
  return {
    ...common,
    expected: '"*", an origin such as "https://example.org", or a list of origins',
    isSecret: false,
    schema: z
      .union([z.string(), z.array(z.string()).max(256)])
      .transform((value) => (typeof value === "string" ? [value] : value))
      .refine((origins) => (origins.length === 1 && origins[0] === "*") || origins.every(isWebOrigin)),
    fromText: (text) => (text.includes(",") ? text.split(",").map((part) => part.trim()) : text),
  };
}

/** A stream's name, or a pattern of names with one `*`. */
export function streamPattern(common: Common<string>): Option<string> {
  return {
    ...common,
    expected: 'a stream\'s name such as "live/cam", or a pattern with one * such as "cams/*"',
    isSecret: false,
    schema: z.string().refine((text) => passes(() => parseStreamName(text.replace("*", "x")))),
    fromText: asIs,
  };
}

/** The address of a stream on another RTSP server or camera; it may hold a password. */
export function rtspAddress(common: Common<string>): Option<string> {
  return {
    ...common,
    expected: `${rtspAddressForm}, or ""`,
    isSecret: true,
    schema: z.string().refine((text) => text === "" || isRtspAddress(text)),
    fromText: asIs,
  };
}

/** Several of them. */
export function rtspAddresses(common: Common<readonly string[]>): Option<readonly string[]> {
  return {
    ...common,
    expected: `a list of at most ${maxForwards} different addresses, each ${rtspAddressForm}`,
    isSecret: true,
    schema: z
      .array(z.string().refine(isRtspAddress))
      .max(maxForwards)
      .refine((addresses) => new Set(addresses).size === addresses.length),
    fromText: asIs,
  };
}

/** The SHA-256 of a certificate; the program gets it in lower case and without colons. */
export function fingerprint(common: Common<string>): Option<string> {
  return {
    ...common,
    expected: 'the SHA-256 of a certificate, 64 hexadecimal digits with or without colons, or ""',
    isSecret: false,
    schema: z
      .string()
      .transform((text) => text.replaceAll(":", "").toLowerCase())
      .refine((text) => /^(?:[0-9a-f]{64})?$/.test(text)),
    fromText: asIs,
  };
}

export type Checked<T> = { readonly value: T } | { readonly refusal: string };

/** What the program gets for a raw value, or a sentence that says why it is refused. Secrets are not repeated. */
export function checkValue<T>(option: Option<T>, raw: unknown): Checked<T> {
  const result = option.schema.safeParse(raw);
  if (result.success) return { value: result.data };
  const issue = result.error.issues[0];
  const own = issue?.code === "custom" && issue.message !== "Invalid input" ? issue.message : undefined;
  return { refusal: `${own ?? `expected ${option.expected}`}; got ${describe(raw, option.isSecret)}` };
}

/** A raw value as one would write it in the file. */
export function formatRaw(raw: RawValue): string {
  return Array.isArray(raw) ? `[${raw.map((item) => JSON.stringify(item)).join(", ")}]` : JSON.stringify(raw);
}

function quantity(
  options: Common<string> & { min: string; max: string },
  parse: (text: string) => number,
  noun: string,
): Option<number> {
  const { min, max, ...common } = options;
  const [lowest, highest] = [parse(min), parse(max)];
  return {
    ...common,
    expected: `a ${noun} from "${min}" to "${max}"`,
    isSecret: false,
    schema: z.string().transform((text, context) => {
      try {
        const value = parse(text);
        if (value >= lowest && value <= highest) return value;
        context.addIssue({ code: "too_big", origin: "number", maximum: highest, input: text });
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        // The unit is missing or mistyped: the units are what helps.
        context.addIssue({ code: "custom", message: error.message, input: text });
      }
      return z.NEVER;
    }),
    fromText: asIs,
  };
}

function asIs(text: string): string {
  return text;
}

function integerFromText(text: string): unknown {
  return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : text;
}

function isRtspAddress(text: string): boolean {
  return text.length <= maxUrlLength && passes(() => parseRtspUrl(text));
}

function passes(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
}

const rtspAddressForm = "rtsp://[user:password@]host[:port]/path or rtsps://…";

function isWebOrigin(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false;
  return new URL(text).origin === text;
}

/** What came, in a few words. Of a string only the first line: a key pasted in place of its path stays out of the log. */
function describe(raw: unknown, isSecret: boolean): string {
  if (typeof raw === "string") {
    if (isSecret) return `a string of ${raw.length} characters that is not shown`;
    const [firstLine = ""] = raw.split(/[\r\n]/, 1);
    return `"${quoted(firstLine === raw ? raw : `${firstLine}…`)}"`;
  }
  if (Array.isArray(raw)) return "an array";
  if (raw instanceof Date) return "a date";
  if (typeof raw === "object" && raw !== null) return "a table";
  return isSecret ? `a ${typeof raw}` : String(raw);
}

const firstMulticastAddress = 224 * 2 ** 24;
const endOfMulticast = 240 * 2 ** 24;
