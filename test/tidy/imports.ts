/** Who may import whom: the table of layers, one way and without circles. Type imports count like any other. */

import { isTestFile, type Source, sourcesIn } from "./source.ts";
import type { Finding, Rule, Tree } from "./tree.ts";

/** Layer → the layers that it may import besides itself. */
const layerTable: Readonly<Record<string, readonly string[]>> = {
  bytes: [],
  codecs: ["bytes"],
  formats: ["bytes", "codecs"],
  protocols: ["bytes", "codecs", "formats"],
  kernel: ["bytes"],
  bridges: ["bytes", "codecs", "formats", "protocols", "kernel"],
  runtime: ["bytes", "kernel"],
  server: ["bytes", "codecs", "formats", "protocols", "kernel", "bridges", "runtime"],
};

/** The first place where I/O, clocks and packages are allowed is `runtime`; these are the layers below it. */
export const layersBelowRuntime: readonly string[] = ["bytes", "codecs", "formats", "protocols", "kernel", "bridges"];

/** The layers that the public entry, `src/index.ts`, hands to people who embed the kernel. */
const publicLayers = ["bytes", "codecs", "formats", "protocols", "kernel", "bridges", "runtime"];

/** Protocol → the other protocols that it is built from. Every other one is a stranger; what all share lies in `protocols/` itself. */
const protocolTable: Readonly<Record<string, readonly string[]>> = {
  rtsp: ["rtp", "rtcp", "sdp"],
  rtcp: ["rtp"],
  webrtc: ["rtp", "rtcp", "sdp", "stun"],
};

/** Files of `bridges/` that belong to no bridge and may be imported by all. */
const sharedByBridges = new Set(["errors", "limits"]);

/** Every import of `src/` stays inside the table. */
export const importsKeepTheTable: Rule = (tree) => {
  const findings: Finding[] = [];
  for (const source of sourcesIn(tree, "src/")) {
    for (const { specifier, target, line } of source.imports) {
      const message = target === undefined ? undefined : refuse(tree, source, target, specifier);
      if (message !== undefined) findings.push({ path: source.path, line, message });
    }
  }
  return findings;
};

/** No file of `src/` reaches itself through its imports. */
export const importsHaveNoCycles: Rule = (tree) => {
  const findings: Finding[] = [];
  const sources = new Map(sourcesIn(tree, "src/").map((source) => [source.path, source]));
  const finished = new Set<string>();
  const trail: string[] = [];
  const visit = (source: Source): void => {
    trail.push(source.path);
    for (const { target, line } of source.imports) {
      const imported = target === undefined ? undefined : sources.get(target);
      if (imported === undefined || finished.has(imported.path)) continue;
      const start = trail.indexOf(imported.path);
      if (start === -1) visit(imported);
      else {
        const circle = [...trail.slice(start), imported.path].join(" → ");
        findings.push({ path: source.path, line, message: `closes a circle of imports: ${circle}` });
      }
    }
    trail.pop();
    finished.add(source.path);
  };
  for (const source of sources.values()) if (!finished.has(source.path)) visit(source);
  return findings;
};

/** Why `source` may not import `target`, or undefined. */
function refuse(tree: Tree, source: Source, target: string, specifier: string): string | undefined {
  if (!tree.has(target)) return `imports ${specifier}, and there is no such file`;
  if (isTestFile(source.path)) return undefined;
  if (!target.startsWith("src/")) return `imports ${target}: what runs in production lies in src/`;
  if (isTestFile(target)) return `imports ${target}: tests and case tables are for tests and fuzz targets`;
  if (source.path === "src/index.ts") {
    const layer = layerOf(target);
    return publicLayers.includes(layer) ? undefined : `the public entry may not export from ${layer}/`;
  }
  if (target === "src/index.ts") return "imports the public entry; import the file that declares it";
  return refuseLayer(source.path, target) ?? refuseSibling(source.path, target);
}

function refuseLayer(path: string, target: string): string | undefined {
  const from = layerOf(path);
  const to = layerOf(target);
  const allowed = layerTable[from];
  if (allowed === undefined) return `lies in no layer: src/ holds ${Object.keys(layerTable).join(", ")} and index.ts`;
  if (from === to || allowed.includes(to)) return undefined;
  return `${from}/ may not import ${to}/ (${target}); it may import ${allowed.join(", ") || "nothing"}`;
}

function refuseSibling(path: string, target: string): string | undefined {
  const layer = layerOf(path);
  if (layer !== layerOf(target)) return undefined;
  const from = partOf(path);
  const to = partOf(target);
  if (from === to) return undefined;
  const isShared = target.split("/").length === 3;
  if (layer === "protocols" && !isShared && !(protocolTable[from] ?? []).includes(to)) {
    return `protocols/${from} may not import protocols/${to}: protocols do not know each other, bridges do`;
  }
  if (layer === "bridges" && !sharedByBridges.has(to)) return `bridge ${from} may not import its sibling ${to}`;
  return undefined;
}

/** `src/protocols/rtmp/session.ts` → `protocols`. */
function layerOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/** `src/protocols/rtmp/session.ts` → `rtmp`, `src/bridges/rtmp-ingest.ts` → `rtmp-ingest`. */
function partOf(path: string): string {
  return (path.split("/")[2] ?? "").replace(/\.tsx?$/, "");
}
