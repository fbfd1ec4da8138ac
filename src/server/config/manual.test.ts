/** `millrace.toml` is the manual of options: complete, and every default in it true. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig } from "./load.ts";
import { formatRaw, type Option } from "./option.ts";
import { options } from "./schema.ts";
import { streamOptions } from "./stream-settings.ts";

const whole = readFileSync(resolve(import.meta.dirname, "../../../millrace.toml"), "utf8");
/** Entries of single streams are the last: an example of one, which is no default. */
const [text = "", streamsText = ""] = whole.split(/^(?=#\[\[streams\]\]$)/m);
/** An option that is commented out has no blank after the #; prose has one. */
const commentedOut = /^#(?=[a-z_]+ = )/gm;

describe("the manual, millrace.toml", () => {
  test("changes nothing as it is, and nothing with every option in force", () => {
    const builtIn = load("").config;
    expect(load(whole).config).toEqual(builtIn);
    expect(load(text).config).toEqual(builtIn);
    expect(load(text.replaceAll(commentedOut, "")).config).toEqual(builtIn);
  });

  test("has every option once, and no other", () => {
    const inForce = load(text.replaceAll(commentedOut, ""));
    const fromFile = inForce.settings.filter((setting) => setting.origin.kind === "file");
    expect(fromFile.map((setting) => setting.key)).toEqual([...options.keys()]);
    expect(text.match(commentedOut)).toHaveLength(options.size);
  });

  test("has an entry for streams with every option of one", () => {
    const inForce = load(streamsText.replace(/^#(?=\[\[)/, "").replaceAll(commentedOut, ""));
    expect(inForce.streamSettings.map((entry) => entry.map(({ key }) => key))).toEqual([[...streamOptions.keys()]]);
    expect(streamsText.match(commentedOut)).toHaveLength(streamOptions.size);
  });

  test.each([...options, ...Array.from(streamOptions, ([key, option]) => [`streams.${key}`, option] as const)])(
    "explains %s with sentence, range and default",
    (key, option) => {
      const { prose, value } = paragraphs().get(key)!;
      expect(prose).toContain(option.doc);
      expect(prose.toLowerCase()).toContain(option.expected.toLowerCase());
      expect(value).toBe(formatRaw(option.default));
    },
  );

  test("every default is a value that its option accepts, and every sentence is one", () => {
    for (const option of [...options.values(), ...streamOptions.values()]) {
      const { schema, default: raw, doc }: Option = option;
      expect(schema.safeParse(raw).success).toBe(true);
      expect(doc).toMatch(/^[A-Z].*\.$/);
    }
  });
});

function load(contents: string): ReturnType<typeof loadConfig> {
  return loadConfig({ commandLine: {}, env: {}, cwd: "/", readFile: () => new TextEncoder().encode(contents) });
}

/** Each option's comment, unwrapped, and its value as written. */
function paragraphs(): Map<string, { prose: string; value: string }> {
  const found = new Map<string, { prose: string; value: string }>();
  let section = "";
  let prose: string[] = [];
  for (const line of whole.split("\n")) {
    const header = /^(?:#\[)?\[([a-z.]+)\]\]?$/.exec(line);
    const option = /^#([a-z_]+) = (.*)$/.exec(line);
    if (header) section = header[1]!;
    if (option) found.set(`${section}.${option[1]}`, { prose: prose.join(" "), value: option[2]! });
    prose = line.startsWith("# ") ? [...prose, line.slice(2)] : [];
  }
  return found;
}
