/**
 * One TypeScript file as the rules see it: its imports, its exports, and its syntax tree, so that comments and strings
 * never count as code.
 */

import { posix } from "node:path";
import ts from "typescript";
import type { Tree } from "./tree.ts";

export interface ImportReference {
  /** As written. */
  readonly specifier: string;
  /** Path in the tree for a relative specifier (whether such a file exists or not), else undefined. */
  readonly target: string | undefined;
  readonly line: number;
}

export interface Source {
  readonly path: string;
  readonly syntax: ts.SourceFile;
  /** Static, dynamic, type-only and re-exporting imports, and `new URL("./x.ts", import.meta.url)`, which starts workers. */
  readonly imports: readonly ImportReference[];
}

/** Every `.ts` and `.tsx` file whose path begins with one of `prefixes`. Parsed once per tree. */
export function sourcesIn(tree: Tree, ...prefixes: string[]): Source[] {
  let parsed = parsedTrees.get(tree);
  if (parsed === undefined) {
    parsed = [];
    for (const [path, text] of tree) if (/\.tsx?$/.test(path)) parsed.push(parse(path, text));
    parsedTrees.set(tree, parsed);
  }
  return parsed.filter((source) => prefixes.some((prefix) => source.path.startsWith(prefix)));
}

/** A test, or the case table that feeds one: not part of what runs in production. */
export function isTestFile(path: string): boolean {
  return /\.(?:test|cases)\.tsx?$/.test(path);
}

export function lineOf(source: Source, node: ts.Node): number {
  return source.syntax.getLineAndCharacterOfPosition(node.getStart(source.syntax)).line + 1;
}

/** Calls `visit` for `node` and everything below it, in the order of the text. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

export function hasModifier(node: ts.Node, kind: ts.SyntaxKind): boolean {
  return ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((modifier) => modifier.kind === kind);
}

/** The files that `entries` reach through imports. */
export function reachableFrom(tree: Tree, entries: readonly string[]): Set<string> {
  const byPath = new Map(sourcesIn(tree, "").map((source) => [source.path, source]));
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const source = byPath.get(path);
    if (source === undefined || reached.has(path)) continue;
    reached.add(path);
    for (const { target } of source.imports) if (target !== undefined) waiting.push(target);
  }
  return reached;
}

const parsedTrees = new WeakMap<Tree, Source[]>();

function parse(path: string, text: string): Source {
  const syntax = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: ImportReference[] = [];
  walk(syntax, (node) => {
    const specifier = specifierOf(node);
    if (specifier === undefined) return;
    const line = syntax.getLineAndCharacterOfPosition(node.getStart(syntax)).line + 1;
    const target = specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : undefined;
    imports.push({ specifier, target, line });
  });
  return { path, syntax, imports };
}

function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literalText(node.moduleSpecifier);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return literalText(node.argument.literal);
  if (ts.isCallExpression(node)) {
    const callee = node.expression;
    const imports =
      callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === "require");
    return imports ? literalText(node.arguments[0]) : undefined;
  }
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === "URL") {
    const [relative, base] = node.arguments ?? [];
    if (relative !== undefined && base?.getText() === "import.meta.url") return literalText(relative);
  }
  return undefined;
}

function literalText(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}
