/**
 * What the rules look at: a tree of files as text. A rule never opens a file itself, so that it can be shown a bad little
 * tree as easily as the real one.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Path from the root (forward slashes) → text. A file that is not text stands in the tree with an empty text. */
export type Tree = ReadonlyMap<string, string>;

export interface Finding {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** One house rule: no findings means that the tree keeps it. */
export type Rule = (tree: Tree) => Finding[];

/** The tree below `root`, without what is made or fetched ({@link notOurs}). */
export function readTree(root: string): Tree {
  const tree = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!notOurs.has(entry.name)) walk(path);
      } else if (entry.isFile() && !entry.name.endsWith(".log")) {
        tree.set(path, textFile.test(path) ? readFileSync(join(root, path), "utf8") : "");
      }
    }
  };
  walk("");
  return tree;
}

/** A little tree, for showing a rule what it must refuse. */
export function treeOf(files: Readonly<Record<string, string>>): Tree {
  return new Map(Object.entries(files));
}

export function formatFinding(finding: Finding): string {
  return `${finding.path}:${finding.line} ${finding.message}`;
}

/** The line (from 1) of the character at `offset`. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** Folders that git ignores too. */
const notOurs = new Set([".git", "node_modules", "dist", "out", "build"]);

const textFile =
  /(?:^|\/)(?:LICENSE|Dockerfile|Makefile|run|\.gitignore|\.editorconfig|\.npmrc)$|\.(?:[cm]?[jt]sx?|json|md|toml|ya?ml|sh|html|css|svg|txt|service|gyp|gypi|c|cc|cpp|h|hpp)$/;
