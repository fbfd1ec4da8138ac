/** How files look: size, names, exports, and what may not be left lying in them. */

import ts from "typescript";
import { hasModifier, isTestFile, lineOf, type Source, sourcesIn, walk } from "./source.ts";
import { type Finding, lineAt, type Rule } from "./tree.ts";

/** Most files are under 200 lines; one of this size is looking for its seam. Case tables may be longer. */
const maxLines = 500;

export const filesAreShort: Rule = (tree) => {
  const findings: Finding[] = [];
  for (const { path, syntax } of sourcesIn(tree, "")) {
    const lines = syntax.getLineAndCharacterOfPosition(syntax.end).line;
    if (lines <= maxLines || path.endsWith(".cases.ts")) continue;
    findings.push({ path, line: maxLines + 1, message: `has ${lines} lines, the limit is ${maxLines}: find its seam` });
  }
  return findings;
};

/** A file is named after what is in it. */
export const noCatchAllNames: Rule = (tree) =>
  [...tree.keys()]
    .filter((path) => /(?:^|\/)(?:utils?|helpers?|misc|common)(?:\/|\.[jt]sx?$)/.test(path))
    .map((path) => ({ path, line: 1, message: "is named after nothing: put its parts where they belong" }));

export const noDefaultExports: Rule = (tree) => {
  const findings: Finding[] = [];
  for (const source of sourcesIn(tree, "src/", "web/src/")) {
    walk(source.syntax, (node) => {
      const isDefault =
        (ts.isExportAssignment(node) && node.isExportEquals !== true) ||
        (ts.isExportSpecifier(node) && node.name.text === "default") ||
        hasModifier(node, ts.SyntaxKind.DefaultKeyword);
      const message = "exports a default: a name is the same wherever it is imported";
      if (isDefault) findings.push({ path: source.path, line: lineOf(source, node), message });
    });
  }
  return findings;
};

/** Only the public entry hands on what others declare. */
export const noBarrels: Rule = (tree) => {
  const findings: Finding[] = [];
  for (const source of sourcesIn(tree, "src/", "web/src/")) {
    if (source.path === "src/index.ts") continue;
    const { statements } = source.syntax;
    const handsOn = (statement: ts.Statement): boolean =>
      ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined;
    const onlyHandsOn =
      statements.length > 0 && statements.every((each) => handsOn(each) || ts.isImportDeclaration(each));
    const wholesale = statements.find((each) => ts.isExportDeclaration(each) && each.exportClause === undefined);
    if (!onlyHandsOn && wholesale === undefined) continue;
    const message = "is a barrel: import each name from the file that declares it (src/index.ts is the only entry)";
    findings.push({ path: source.path, line: wholesale === undefined ? 1 : lineOf(source, wholesale), message });
  }
  return findings;
};

/** Comments in code, and the text of everything else, hold no note to finish later: that is what issues are for. */
export const noLeftovers: Rule = (tree) => {
  const findings: Finding[] = [];
  const sources = new Map(sourcesIn(tree, "").map((source) => [source.path, source]));
  for (const [path, text] of tree) {
    if (path === "package-lock.json" || !leftover.test(text)) continue;
    const source = sources.get(path);
    const read =
      source === undefined ? text.replace(/`[^`\n]*`/g, (code) => " ".repeat(code.length)) : commentsOf(source);
    const match = leftover.exec(read);
    if (match !== null)
      findings.push({ path, line: lineAt(read, match.index), message: `holds a leftover ${match[0]}` });
  }
  return findings;
};

/** No test is singled out, skipped or left to be written. */
export const noSkippedTests: Rule = (tree) => {
  const findings: Finding[] = [];
  for (const source of sourcesIn(tree, "").filter(({ path }) => isTestFile(path))) {
    walk(source.syntax, (node) => {
      if (!ts.isPropertyAccessExpression(node) || !partialRuns.has(node.name.text)) return;
      const root = rootOf(node.expression);
      if (root === undefined || !testFunctions.has(root)) return;
      const message = `uses ${root}.${node.name.text}: every test runs, always`;
      findings.push({ path: source.path, line: lineOf(source, node), message });
    });
  }
  return findings;
};

/** Nothing in the tree knows the machine on which it was written, nor where its packages came from. */
export const noMachineAddresses: Rule = (tree) => {
  const findings: Finding[] = [];
  for (const [path, text] of tree) {
    for (const pattern of machineAddresses) {
      const match = pattern.exec(text);
      if (match === null) continue;
      findings.push({
        path,
        line: lineAt(text, match.index),
        message: `names an address of one machine: ${match[0].trim()}`,
      });
    }
  }
  return findings;
};

/** The comments of a TypeScript file at their places, everything else blank. */
function commentsOf({ syntax }: Source): string {
  const comments: ts.CommentRange[] = [];
  const visit = (node: ts.Node): void => {
    const children = node.getChildren(syntax);
    // Comments stand between tokens, which have no children; the text of JSX is no place for them.
    if (children.length === 0 && node.kind !== ts.SyntaxKind.JsxText) {
      comments.push(...(ts.getLeadingCommentRanges(syntax.text, node.pos) ?? []));
      comments.push(...(ts.getTrailingCommentRanges(syntax.text, node.end) ?? []));
    }
    for (const child of children) visit(child);
  };
  visit(syntax);
  let blanked = "";
  for (const { pos, end } of comments.sort((a, b) => a.pos - b.pos)) {
    if (pos < blanked.length) continue;
    blanked += syntax.text.slice(blanked.length, pos).replace(/[^\n]/g, " ") + syntax.text.slice(pos, end);
  }
  return blanked;
}

function rootOf(expression: ts.Expression): string | undefined {
  let root = expression;
  while (ts.isPropertyAccessExpression(root) || ts.isCallExpression(root)) root = root.expression;
  return ts.isIdentifier(root) ? root.text : undefined;
}

const leftover = /\b(?:FIXME|XXX|TODO)\b/;
const partialRuns = new Set(["only", "skip", "skipIf", "runIf", "todo", "fails"]);
const testFunctions = new Set(["describe", "suite", "it", "test", "bench"]);
const machineAddresses = [
  /(?<![\w.})\]~-])\/(?:home|Users|root|work|tmp)\/[\w.-]+/,
  /\b[A-Z]:\\(?:Users|Windows)\\/,
  /\bregistry\.[a-z0-9-]+\.[a-z]{2,}/,
];
