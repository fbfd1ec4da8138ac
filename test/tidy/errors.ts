/** Every failure has a code, and every code stands in its folder's table with a sentence. */

import ts from "typescript";
import { layersBelowRuntime } from "./imports.ts";
import { hasModifier, isTestFile, lineOf, type Source, sourcesIn, walk } from "./source.ts";
import type { Finding, Rule } from "./tree.ts";

/** `ERR_…` is declared once, in an `errors.ts` (or in `bytes/`), equal to its name, with a sentence before it. */
export const errorCodesAreDeclared: Rule = (tree) => {
  const findings: Finding[] = [];
  const declaredIn = new Map<string, string>();
  for (const source of sourcesIn(tree, "src/")) {
    if (isTestFile(source.path)) continue;
    for (const { name, value, node, hasSentence } of codeDeclarations(source)) {
      const report = (message: string) => findings.push({ path: source.path, line: lineOf(source, node), message });
      const elsewhere = declaredIn.get(name);
      if (!tablePath.test(source.path)) report(`declares ${name}: codes are declared in the folder's errors.ts`);
      if (value !== name) report(`${name} has another value than its name`);
      if (!hasSentence) report(`${name} has no sentence: say in a comment before it when it is raised`);
      if (elsewhere !== undefined) report(`${name} is declared in ${elsewhere} too`);
      declaredIn.set(name, source.path);
    }
  }
  return findings;
};

/** A code is used by its declared name, never as a string; and every declared code is used. */
export const errorCodesAreUsedByName: Rule = (tree) => {
  const findings: Finding[] = [];
  const declared = new Map<string, Finding>();
  const used = new Set<string>();
  const sources = sourcesIn(tree, "src/").filter((source) => !isTestFile(source.path));
  for (const source of sources) {
    const declarations = new Set<ts.Node>();
    for (const { name, node } of codeDeclarations(source)) {
      declarations.add(node);
      const message = `declares ${name}, and nothing raises it`;
      declared.set(name, { path: source.path, line: lineOf(source, node), message });
    }
    const isBelowRuntime = layersBelowRuntime.some((layer) => source.path.startsWith(`src/${layer}/`));
    walk(source.syntax, (node) => {
      if (ts.isIdentifier(node) && codeName.test(node.text) && isUse(node)) used.add(node.text);
      const code = stringCode(node, isBelowRuntime);
      if (code === undefined || declarations.has(declarationAround(node))) return;
      const message = `writes "${code}" as a string: use the constant of the folder's errors.ts`;
      findings.push({ path: source.path, line: lineOf(source, node), message });
    });
  }
  for (const [name, finding] of declared) if (!used.has(name)) findings.push(finding);
  return findings;
};

interface CodeDeclaration {
  readonly name: string;
  readonly value: string | undefined;
  readonly node: ts.VariableStatement;
  readonly hasSentence: boolean;
}

function codeDeclarations(source: Source): CodeDeclaration[] {
  const found: CodeDeclaration[] = [];
  for (const statement of source.syntax.statements) {
    if (!ts.isVariableStatement(statement) || !hasModifier(statement, ts.SyntaxKind.ExportKeyword)) continue;
    const comments = ts.getLeadingCommentRanges(source.syntax.text, statement.getFullStart()) ?? [];
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (!codeName.test(name.getText())) continue;
      const value = initializer !== undefined && ts.isAsExpression(initializer) ? initializer.expression : initializer;
      found.push({
        name: name.getText(),
        value: value !== undefined && ts.isStringLiteralLike(value) ? value.text : undefined,
        node: statement,
        hasSentence: comments.length > 0,
      });
    }
  }
  return found;
}

/** A code as text where a constant belongs. From `runtime/` upwards, strings may also be the codes of Node's own errors. */
function stringCode(node: ts.Node, isBelowRuntime: boolean): string | undefined {
  if (!ts.isStringLiteralLike(node)) return undefined;
  const isRaised =
    ts.isNewExpression(node.parent) &&
    node.parent.expression.getText() === "CodedError" &&
    node.parent.arguments?.[0] === node;
  return isRaised || (isBelowRuntime && codeName.test(node.text)) ? node.text : undefined;
}

function declarationAround(node: ts.Node): ts.Node {
  let around = node;
  while (!ts.isVariableStatement(around) && !ts.isSourceFile(around)) around = around.parent;
  return around;
}

function isUse(node: ts.Identifier): boolean {
  const { parent } = node;
  return !ts.isImportSpecifier(parent) && !(ts.isVariableDeclaration(parent) && parent.name === node);
}

const codeName = /^ERR_[A-Z0-9_]+$/;
/** `bytes/` is a handful of files without a common theme: there a code stands beside what raises it. */
const tablePath = /\/errors\.ts$|^src\/bytes\//;
