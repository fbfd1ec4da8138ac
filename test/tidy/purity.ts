/** Below `runtime/` there is no I/O, no clock and no randomness: bytes and `now` come in, bytes and deadlines go out. */

import ts from "typescript";
import { layersBelowRuntime } from "./imports.ts";
import { isTestFile, lineOf, type Source, sourcesIn, walk } from "./source.ts";
import type { Finding, Rule } from "./tree.ts";

/** Layers below `runtime/` import neither `node:` modules nor packages. */
export const noPackagesBelowRuntime: Rule = (tree) =>
  productionSources(tree).flatMap((source) =>
    source.imports
      .filter(({ target }) => target === undefined)
      .map(({ specifier, line }) => ({
        path: source.path,
        line,
        message: `imports "${specifier}": below runtime/ there are neither node: modules nor packages`,
      })),
  );

/** Layers below `runtime/` name no global that does I/O, tells the time, schedules, or rolls dice. */
export const noAmbientBelowRuntime: Rule = (tree) => {
  const findings: Finding[] = [];
  for (const source of productionSources(tree)) {
    const declarations = declarationsIn(source);
    walk(source.syntax, (node) => {
      const name = ambientName(node);
      if (name === undefined || !ts.isIdentifier(node) || isDeclared(node, declarations)) return;
      const message = `uses ${name}: below runtime/ there is no I/O, clock, timer or randomness; take it as an argument`;
      findings.push({ path: source.path, line: lineOf(source, node), message });
    });
  }
  return findings;
};

const ambientGlobals = new Set(
  `Buffer process global globalThis require Date Temporal performance crypto console fetch navigator
  setTimeout setInterval setImmediate queueMicrotask clearTimeout clearInterval clearImmediate
  AbortSignal Worker MessageChannel BroadcastChannel WebSocket EventSource XMLHttpRequest eval`.split(/\s+/),
);

/** Globals of which only some members are refused. */
const ambientMembers: Readonly<Record<string, readonly string[]>> = {
  Math: ["random"],
  Atomics: ["wait", "waitAsync"],
};

function productionSources(tree: Parameters<Rule>[0]): Source[] {
  return sourcesIn(tree, ...layersBelowRuntime.map((layer) => `src/${layer}/`)).filter(
    (source) => !isTestFile(source.path),
  );
}

/** The forbidden global that `node` may name; whether a local declaration hides it is not looked at here. */
function ambientName(node: ts.Node): string | undefined {
  if (!ts.isIdentifier(node) || !isReference(node)) return undefined;
  if (ambientGlobals.has(node.text)) return node.text;
  const members = Object.hasOwn(ambientMembers, node.text) ? ambientMembers[node.text] : undefined;
  if (members === undefined) return undefined;
  const use = node.parent;
  if (ts.isPropertyAccessExpression(use) && use.expression === node) {
    return members.includes(use.name.text) ? `${node.text}.${use.name.text}` : undefined;
  }
  // Taken apart or passed on, the rest of the way can't be seen.
  return `${node.text} as a value`;
}

/** False for the names of properties, members and labels, which refer to no variable. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) || ts.isLabeledStatement(parent)) return false;
  const declaresIt = (parent as { name?: ts.Node }).name === node;
  return !declaresIt || ts.isShorthandPropertyAssignment(parent);
}

/** Name → the nodes inside which a declaration of that name holds. */
type Declarations = Map<string, ts.Node[]>;

function declarationsIn(source: Source): Declarations {
  const declarations: Declarations = new Map();
  walk(source.syntax, (node) => {
    const isDeclaration =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      ts.isTypeParameterDeclaration(node) ||
      ts.isImportSpecifier(node) ||
      ts.isImportClause(node) ||
      ts.isNamespaceImport(node);
    if (!isDeclaration || node.name === undefined || !ts.isIdentifier(node.name)) return;
    const scopes = declarations.get(node.name.text);
    if (scopes === undefined) declarations.set(node.name.text, [scopeOf(node)]);
    else scopes.push(scopeOf(node));
  });
  return declarations;
}

function scopeOf(declaration: ts.Node): ts.Node {
  let node = declaration.parent;
  while (!ts.isBlock(node) && !ts.isSourceFile(node) && !ts.isFunctionLike(node) && !isOtherScope(node)) {
    node = node.parent;
  }
  return node;
}

function isOtherScope(node: ts.Node): boolean {
  return (
    ts.isForStatement(node) ||
    ts.isForOfStatement(node) ||
    ts.isForInStatement(node) ||
    ts.isCatchClause(node) ||
    ts.isCaseBlock(node) ||
    ts.isClassLike(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node)
  );
}

function isDeclared(reference: ts.Identifier, declarations: Declarations): boolean {
  const scopes = declarations.get(reference.text);
  if (scopes === undefined) return false;
  for (let node: ts.Node = reference; node !== undefined; node = node.parent) if (scopes.includes(node)) return true;
  return false;
}
