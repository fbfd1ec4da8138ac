/** Whatever reads a peer's bytes is fuzzed from the day it is written. */

import ts from "typescript";
import { hasModifier, isTestFile, lineOf, reachableFrom, type Source, sourcesIn, walk } from "./source.ts";
import type { Finding, Rule, Tree } from "./tree.ts";

/** Each file of codecs, formats and protocols that exports a parser stands in the `covers` of a fuzz target. */
export const parsersHaveFuzzTargets: Rule = (tree) => {
  const covered = new Set(fuzzTargets(tree).flatMap((target) => coversOf(target).map((entry) => entry.path)));
  const findings: Finding[] = [];
  for (const source of sourcesIn(tree, "src/codecs/", "src/formats/", "src/protocols/")) {
    if (isTestFile(source.path) || covered.has(source.path)) continue;
    const parser = exportedParser(source);
    if (parser === undefined) continue;
    const message = `exports ${parser.name}, and no fuzz target names this file in its covers: add it to one in fuzz/targets/`;
    findings.push({ path: source.path, line: lineOf(source, parser.node), message });
  }
  return findings;
};

/** What a fuzz target says it covers exists, and is imported by it. */
export const fuzzTargetsCoverWhatTheySay: Rule = (tree) => {
  const findings: Finding[] = [];
  for (const target of fuzzTargets(tree)) {
    const covers = coversOf(target);
    const reached = reachableFrom(tree, [target.path]);
    const report = (line: number, message: string) => findings.push({ path: target.path, line, message });
    if (covers.length === 0) report(1, "has no covers: list the source files that it exercises, as plain strings");
    for (const { path, line } of covers) {
      if (!tree.has(path)) report(line, `covers ${path}, and there is no such file`);
      else if (!reached.has(path)) report(line, `covers ${path}, but does not import it, directly or through others`);
    }
    const name = target.path.slice("fuzz/targets/".length, -".ts".length);
    const written = propertyOf(target, "name");
    if (written !== undefined && ts.isStringLiteralLike(written) && written.text !== name) {
      report(lineOf(target, written), `is called "${written.text}": a target has its file's name, "${name}"`);
    }
  }
  return findings;
};

function fuzzTargets(tree: Tree): Source[] {
  return sourcesIn(tree, "fuzz/targets/").filter((source) => !isTestFile(source.path));
}

function coversOf(target: Source): { path: string; line: number }[] {
  const covers = propertyOf(target, "covers");
  if (covers === undefined || !ts.isArrayLiteralExpression(covers)) return [];
  return covers.elements.map((element) => ({
    path: ts.isStringLiteralLike(element) ? element.text : element.getText(),
    line: lineOf(target, element),
  }));
}

/** The value of property `name` in the file's `export const target`. */
function propertyOf(target: Source, name: string): ts.Expression | undefined {
  let value: ts.Expression | undefined;
  walk(target.syntax, (node) => {
    if (!ts.isVariableDeclaration(node) || node.name.getText() !== "target" || node.initializer === undefined) return;
    if (!ts.isObjectLiteralExpression(node.initializer)) return;
    for (const property of node.initializer.properties) {
      if (ts.isPropertyAssignment(property) && property.name.getText() === name) value = property.initializer;
    }
  });
  return value;
}

/** The first export that reads foreign bytes: `parse…`, or a class that keeps state between pieces. */
function exportedParser(source: Source): { name: string; node: ts.Node } | undefined {
  for (const statement of source.syntax.statements) {
    if (!hasModifier(statement, ts.SyntaxKind.ExportKeyword)) continue;
    if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
      const name = statement.name?.text ?? "";
      const pattern = ts.isClassDeclaration(statement) ? parserClass : parserFunction;
      if (pattern.test(name)) return { name, node: statement };
    } else if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) {
        if (parserFunction.test(name.getText())) return { name: name.getText(), node: statement };
      }
    }
  }
  return undefined;
}

const parserFunction = /^parse(?:[A-Z0-9]|$)/;
const parserClass = /(?:Reader|Session|Parser)$/;
