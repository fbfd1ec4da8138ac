/**
 * `npm run build:native`: makes the addon from source, with the headers that came with this Node. `--optional` (what `npm ci`
 * calls): a machine without a compiler gets a sentence, and the portable transport.
 */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { nativeLayoutHeader } from "../src/runtime/native-layout.ts";

const isOptional = process.argv.includes("--optional");
const folder = resolve(import.meta.dirname, "../native");

if (process.platform !== "linux")
  giveUp(`The native addon is for Linux; on ${process.platform} the portable transport serves.`);
for (const program of ["g++", "make", "python3"]) {
  if (spawnSync(program, ["--version"], { stdio: "ignore" }).status !== 0) {
    giveUp(
      `The native addon needs ${program}, which is not installed; without it the portable transport serves, slower.`,
    );
  }
}

const header = resolve(folder, "src/layout.h");
const text = nativeLayoutHeader();
if (!existsSync(header) || readFileSync(header, "utf8") !== text) writeFileSync(header, text);

// The headers beside the running Node, whatever other flags say; without them node-gyp would try to download some.
const prefix = dirname(dirname(process.execPath));
const hasHeaders = existsSync(resolve(prefix, "include/node/node_api.h"));
const gyp = createRequire(import.meta.url).resolve("node-gyp/bin/node-gyp.js");
const result = spawnSync(process.execPath, [gyp, "rebuild", "--directory", folder], {
  env: { ...process.env, ...(hasHeaders ? { npm_config_nodedir: prefix } : {}) },
  encoding: "utf8",
});
if (result.status !== 0) {
  process.stderr.write(result.stdout + result.stderr);
  giveUp(
    "The native addon could not be built (its output is above); without it the portable transport serves, slower.",
  );
}
process.stdout.write("The native addon is built.\n");

function giveUp(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(isOptional ? 0 : 1);
}
