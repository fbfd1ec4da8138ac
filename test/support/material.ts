/**
 * The shared test material: conformance vectors and fuzz seeds, data that is kept beside the checkout and never in it.
 *
 * Without it a run says so in one line and goes on; in CI its absence is a failure.
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const projectRoot = resolve(import.meta.dirname, "../..");
const materialRoot = resolve(projectRoot, "../shared/material");

// biome-ignore lint/suspicious/noExplicitAny: the vectors' shape differs by kind; each test checks the one it reads.
type Vector = Record<string, any> & { id: string; kind: string };

/** The vectors of one kind; empty (and said so) when there is no material. */
export function vectors(kind: string): Vector[] {
  if (!present("conformance vectors")) return [];
  const parsed: unknown = JSON.parse(readFileSync(join(materialRoot, "vectors.json"), "utf8"));
  const all = (Array.isArray(parsed) ? parsed : (parsed as { vectors: Vector[] }).vectors) as Vector[];
  return all.filter((vector) => vector.kind === kind);
}

/** The seeds of one fuzz target's folder; empty (and said so) when there is no material. */
export function* corpusSeeds(target: string): Iterable<{ name: string; bytes: Uint8Array }> {
  const folder = corpusFolder(target);
  if (folder === undefined) return;
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isFile()) yield { name, bytes: new Uint8Array(readFileSync(path)) };
  }
}

/** The path of a file of the material; undefined (and said so) when there is none. */
export function materialFile(name: string, what: string): string | undefined {
  return present(what) ? join(materialRoot, name) : undefined;
}

export function hexBytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

let unpacked: string | undefined;

function corpusFolder(target: string): string | undefined {
  if (!present("fuzz seeds")) return undefined;
  if (unpacked === undefined) {
    const archive = join(materialRoot, "corpora.tar.gz");
    const { size, mtimeMs } = statSync(archive);
    // One unpacked copy for all test processes; its name changes with the archive.
    unpacked = join(tmpdir(), `millrace-corpora-${size}-${Math.floor(mtimeMs)}`);
    if (!existsSync(unpacked)) {
      // Unpacked aside and renamed, because several test processes may start at once: the first rename wins.
      const aside = mkdtempSync(`${unpacked}-`);
      execFileSync("tar", ["xzf", archive, "-C", aside]);
      try {
        renameSync(aside, unpacked);
      } catch {
        rmSync(aside, { recursive: true, force: true });
      }
    }
  }
  return join(unpacked, target);
}

const missing = new Set<string>();

function present(what: string): boolean {
  if (existsSync(materialRoot)) return true;
  if (process.env["CI"]) throw new Error("the shared test material is missing, and in CI that is a failure");
  if (!missing.has(what)) {
    missing.add(what);
    process.stderr.write(`shared test material not found: the ${what} are left out of this run\n`);
  }
  return false;
}
