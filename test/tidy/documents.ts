/** What the documents say exists: files, anchors, npm scripts, dependencies. */

import { posix } from "node:path";
import { type Finding, lineAt, type Rule, type Tree } from "./tree.ts";

/** Links between files of the tree resolve, anchors included. */
export const linksResolve: Rule = (tree) => {
  const findings: Finding[] = [];
  for (const [path, text] of documents(tree)) {
    for (const { href, line } of linksIn(text)) {
      const message = refuseLink(tree, path, href);
      if (message !== undefined) findings.push({ path, line, message });
    }
  }
  return findings;
};

/** Every `npm run x` in a document, and `npm test` and `npm start`, is a script of package.json. */
export const npmScriptsExist: Rule = (tree) => {
  const scripts = Object.keys(manifest(tree).scripts ?? {});
  const findings: Finding[] = [];
  for (const [path, text] of documents(tree)) {
    for (const match of text.matchAll(/\bnpm (?:run ([\w:.-]*[\w-])|(test|start)\b)/g)) {
      const script = match[1] ?? match[2] ?? "";
      if (scripts.includes(script)) continue;
      findings.push({
        path,
        line: lineAt(text, match.index),
        message: `names npm script "${script}", which package.json has not`,
      });
    }
  }
  return findings;
};

/** Every dependency has its line in docs/dependencies.md, and no line speaks of one that is gone. */
export const dependenciesAreDocumented: Rule = (tree) => {
  const page = "docs/dependencies.md";
  const text = tree.get(page);
  if (text === undefined)
    return [{ path: page, line: 1, message: "is missing: one line for each dependency, and why" }];
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest(tree);
  const names = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies, ...peerDependencies });
  const findings = names
    .filter((name) => !text.includes(`\`${name}\``))
    .map((name): Finding => ({ path: page, line: 1, message: `has no line for \`${name}\` of package.json` }));
  // A table row begins with its dependencies in backticks.
  for (const row of text.matchAll(/^\|([^|]*)\|/gm)) {
    for (const [, name = ""] of (row[1] ?? "").matchAll(/`([^`]+)`/g)) {
      if (names.includes(name)) continue;
      findings.push({
        path: page,
        line: lineAt(text, row.index),
        message: `has a row for \`${name}\`, which package.json has not`,
      });
    }
  }
  return findings;
};

interface Manifest {
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

function manifest(tree: Tree): Manifest {
  return JSON.parse(tree.get("package.json") ?? "{}") as Manifest;
}

function documents(tree: Tree): [string, string][] {
  return [...tree].filter(([path]) => path.endsWith(".md"));
}

function linksIn(markdown: string): { href: string; line: number }[] {
  const text = withoutCode(markdown);
  const found: { href: string; line: number }[] = [];
  for (const pattern of linkPatterns) {
    for (const match of text.matchAll(pattern)) found.push({ href: match[1] ?? "", line: lineAt(text, match.index) });
  }
  return found;
}

function refuseLink(tree: Tree, path: string, href: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(href)) return undefined;
  const [file = "", anchor] = href.split("#");
  const target = file === "" ? path : posix.normalize(posix.join(posix.dirname(path), decodeURI(file)));
  if (target.startsWith("../")) return `links to ${href}, outside of the project`;
  const folder = target === "." ? "" : `${target.replace(/\/$/, "")}/`;
  if (!tree.has(target) && ![...tree.keys()].some((other) => other.startsWith(folder))) {
    return `links to ${href}, and there is no such file`;
  }
  if (anchor === undefined || !target.endsWith(".md")) return undefined;
  return anchorsOf(tree.get(target) ?? "").has(anchor) ? undefined : `links to ${href}, and there is no such heading`;
}

/** The anchors that GitHub makes for headings, and those written as `<a id="…">`. */
function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  const text = withoutFences(markdown);
  for (const [, heading = ""] of text.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const words = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = words.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "").replaceAll(" ", "-");
    let anchor = slug;
    for (let repeat = 1; anchors.has(anchor); repeat++) anchor = `${slug}-${repeat}`;
    anchors.add(anchor);
  }
  for (const [, id = ""] of text.matchAll(/\b(?:id|name)="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

/** Code becomes blank, and every line keeps its number. */
function withoutCode(markdown: string): string {
  return withoutFences(markdown).replace(/(`+)(?!`)[^\n]*?[^`\n]\1(?!`)/g, (code) => " ".repeat(code.length));
}

function withoutFences(markdown: string): string {
  return markdown.replace(/^[ \t]*(```+|~~~+)[\s\S]*?^[ \t]*\1[`~]*[ \t]*$/gm, (fence) => fence.replace(/[^\n]/g, " "));
}

const linkPatterns = [
  /\]\(\s*<?([^)\s>]+)>?(?:\s+["'][^)]*)?\s*\)/g,
  /^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)/gm,
  /<(?:a|img|source|video)\b[^>]*?\b(?:href|src|srcset)="([^"\s]+)/g,
];
