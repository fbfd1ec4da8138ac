/** Random TOML through the whole loader: a configuration or a list of problems, soon, and a place for every key. */

import { parse, stringify } from "smol-toml";
import { assert } from "../../src/bytes/assert.ts";
import { refusedCases } from "../../src/server/config/load.cases.ts";
import { loadConfig } from "../../src/server/config/load.ts";
import { ConfigError } from "../../src/server/config/problem.ts";
import { positionCases } from "../../src/server/config/toml-positions.cases.ts";
import { type KeyPosition, scanKeyPositions } from "../../src/server/config/toml-positions.ts";
import { durationCases, sizeCases } from "../../src/server/config/units.cases.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "config",
  covers: [
    "src/server/config/load.ts",
    "src/server/config/file-layer.ts",
    "src/server/config/stream-entries.ts",
    "src/server/config/toml-positions.ts",
    "src/server/config/units.ts",
  ],
  corpora: [],
  seeds: () => texts().map((text) => new TextEncoder().encode(text)),
  run(bytes) {
    const started = performance.now();
    try {
      const { config, settings, streamSettings } = loadConfig({
        commandLine: {},
        env: {},
        cwd: "/",
        readFile: () => bytes,
      });
      assert(Object.isFrozen(config) && settings.every(Object.isFrozen), "what is loaded is frozen");
      assert(streamSettings.flat().every(Object.isFrozen), "entries of streams are frozen");
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      assert(error.problems.length > 0 && error.message !== "", "a refusal has a reason");
      // One line per problem, and one for those that are only counted.
      const lineCount = error.problems.length + (error.problemCount > error.problems.length ? 1 : 0);
      assert(error.message.split("\n").length === lineCount, "nobody forges a problem");
    } finally {
      assert(({} as Record<string, unknown>)["polluted"] === undefined, "prototypes are clean");
    }
    assert(performance.now() - started < maxTimeMs, `loaded within ${maxTimeMs} ms`);
    checkPositions(bytes);
  },
};

/** The scanner finds whatever the parser found. */
function checkPositions(bytes: Uint8Array): void {
  let root: object;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    root = parse(text, { maxDepth: 8, unsafeKeyBehaviour: "throw" });
  } catch {
    return;
  }
  assertKnown(root, scanKeyPositions(text), "");
}

function assertKnown(value: unknown, position: KeyPosition, path: string): void {
  if (typeof value !== "object" || value === null || value instanceof Date) return;
  for (const [name, inner] of Object.entries(value)) {
    const child = position.children.get(name);
    assert(child !== undefined, `${path}/${name} has a place`);
    assertKnown(inner, child, `${path}/${name}`);
  }
}

function texts(): string[] {
  const quantities = [...durationCases, ...sizeCases].flatMap(([text]) => [
    stringify({ streaming: { idle_timeout: text } }),
    stringify({ streaming: { max_ring: text } }),
  ]);
  return [
    ...refusedCases.flatMap(({ file }) => (file === undefined || file.length > 4096 ? [] : [file])),
    ...positionCases.map(({ text }) => text),
    ...quantities,
    "[[streams]]\nname = 'cams/*'\nsource = 'rtsps://u:p@host/*'\nsource_on_demand = true\nforward = ['rtsp://a/*', 'rtsp://b/c']\n",
    "[rtmp]\nport = 1936\ntls = { certificate = 'c', key = 'k' }\n[access]\npublish = 'token'\npublish_token = 'x'\n",
  ];
}

/** A configuration of a few kilobytes takes about one. */
const maxTimeMs = 200;
