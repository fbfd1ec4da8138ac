/** For each rule a little tree that keeps it, and little trees that break it, each with what must be found. */

export interface RuleCases {
  readonly good: Files;
  readonly bad: readonly { readonly what: string; readonly files: Files; readonly found: readonly string[] }[];
}

type Files = Readonly<Record<string, string>>;

const sessionTarget = (covers: string): Files => ({
  "fuzz/targets/session.ts": `import { parseHello } from "../../src/protocols/x/session.ts";
    export const target: FuzzTarget = { name: "session", covers: [${covers}], run: (bytes) => parseHello(bytes) };`,
  "src/protocols/x/session.ts": "export function parseHello(bytes: Uint8Array): void {}",
});

const manifest = JSON.stringify({ scripts: { check: "tsc", test: "vitest" }, dependencies: { ws: "8" } });

/** Put together, so that this file does not break the rule that it is about. */
const machinePath = ["", "home", "someone", "file"].join("/");
const registryHost = ["registry", "example", "com"].join(".");

export const ruleCases: Readonly<Record<string, RuleCases>> = {
  "imports keep the table of layers": {
    good: {
      "src/bytes/reader.ts": "",
      "src/kernel/frame.ts": `import type { Reader } from "../bytes/reader.ts";`,
      "src/protocols/rtp/packet.ts": `import "../../bytes/reader.ts"; import "node:fs";`,
      "src/protocols/fifo.ts": "",
      "src/protocols/rtsp/session.ts": `import "../fifo.ts"; import "../rtp/packet.ts"; // import "../rtmp/session.ts"`,
      "src/protocols/rtsp/session.test.ts": `import "../../server/main.ts"; import "../../../test/support/x.ts";`,
      "src/bridges/errors.ts": "",
      "src/bridges/rtsp-ingest.ts": `import "../kernel/frame.ts"; import "../protocols/rtsp/session.ts"; import "./errors.ts";`,
      "src/server/main.ts": `import "../bridges/rtsp-ingest.ts";`,
      "src/index.ts": `export { Frame } from "./kernel/frame.ts";`,
      "test/support/x.ts": "",
    },
    bad: [
      {
        what: "an import upwards",
        files: { "src/kernel/a.ts": `import "../runtime/b.ts";`, "src/runtime/b.ts": "" },
        found: ["src/kernel/a.ts:1 kernel/ may not import runtime/"],
      },
      {
        what: "a type import upwards",
        files: { "src/kernel/a.ts": `\nimport type { B } from "../codecs/b.ts";`, "src/codecs/b.ts": "" },
        found: ["src/kernel/a.ts:2 kernel/ may not import codecs/"],
      },
      {
        what: "a dynamic import, an import type and a worker upwards",
        files: {
          "src/bytes/a.ts": `await import("../codecs/b.ts"); let b: import("../codecs/b.ts").B;
            new Worker(new URL("../codecs/b.ts", import.meta.url));`,
          "src/codecs/b.ts": "",
        },
        found: [
          "src/bytes/a.ts:1 bytes/ may not",
          "src/bytes/a.ts:1 bytes/ may not",
          "src/bytes/a.ts:2 bytes/ may not",
        ],
      },
      {
        what: "a re-export upwards",
        files: { "src/bytes/a.ts": `export { B } from "../codecs/b.ts";`, "src/codecs/b.ts": "" },
        found: ["bytes/ may not import codecs/"],
      },
      {
        what: "protocols that know each other",
        files: { "src/protocols/rtmp/a.ts": `import "../srt/b.ts";`, "src/protocols/srt/b.ts": "" },
        found: ["protocols/rtmp may not import protocols/srt"],
      },
      {
        what: "a file that all protocols share and that knows one of them",
        files: { "src/protocols/fifo.ts": `import "./srt/b.ts";`, "src/protocols/srt/b.ts": "" },
        found: ["protocols/fifo may not import protocols/srt"],
      },
      {
        what: "a bridge that imports its sibling",
        files: { "src/bridges/a.ts": `import "./b/c.ts";`, "src/bridges/b/c.ts": "" },
        found: ["bridge a may not import its sibling b"],
      },
      {
        what: "an import of the public entry from inside",
        files: { "src/server/a.ts": `import "../index.ts";`, "src/index.ts": "" },
        found: ["src/server/a.ts:1 imports the public entry"],
      },
      {
        what: "a public entry that exports the server",
        files: { "src/index.ts": `export { main } from "./server/main.ts";`, "src/server/main.ts": "" },
        found: ["the public entry may not export from server/"],
      },
      {
        what: "a file that is not there",
        files: { "src/bytes/a.ts": `import "./b.ts";` },
        found: ["imports ./b.ts, and there is no such file"],
      },
      {
        what: "production code that imports test code",
        files: {
          "src/bytes/a.ts": `import "./b.cases.ts"; import "../../test/c.ts";`,
          "src/bytes/b.cases.ts": "",
          "test/c.ts": "",
        },
        found: ["tests and case tables are for tests", "what runs in production lies in src/"],
      },
      {
        what: "a folder outside of the layers",
        files: { "src/tools/a.ts": `import "../bytes/b.ts";`, "src/bytes/b.ts": "" },
        found: ["src/tools/a.ts:1 lies in no layer"],
      },
    ],
  },

  "imports have no cycles": {
    good: {
      "src/bytes/a.ts": `import "./b.ts"; import "./c.ts";`,
      "src/bytes/b.ts": `import "./c.ts";`,
      "src/bytes/c.ts": `// import "./a.ts"`,
    },
    bad: [
      {
        what: "two files that import each other",
        files: { "src/bytes/a.ts": `import "./b.ts";`, "src/bytes/b.ts": `import "./a.ts";` },
        found: ["src/bytes/b.ts:1 closes a circle of imports: src/bytes/a.ts → src/bytes/b.ts → src/bytes/a.ts"],
      },
      {
        what: "a circle of types through three files",
        files: {
          "src/bytes/a.ts": `import type { B } from "./b.ts";`,
          "src/bytes/b.ts": `import type { C } from "./c.ts";`,
          "src/bytes/c.ts": `import type { A } from "./a.ts";`,
        },
        found: ["src/bytes/a.ts → src/bytes/b.ts → src/bytes/c.ts → src/bytes/a.ts"],
      },
      {
        what: "a file that imports itself",
        files: { "src/bytes/a.ts": `import "./a.ts";` },
        found: ["src/bytes/a.ts → src/bytes/a.ts"],
      },
    ],
  },

  "no packages below runtime/": {
    good: {
      "src/kernel/a.ts": `import "../bytes/b.ts";`,
      "src/kernel/a.test.ts": `import { it } from "vitest"; import "node:fs";`,
      "src/runtime/b.ts": `import "node:net"; import "pino";`,
    },
    bad: [
      {
        what: "node: modules and packages",
        files: { "src/protocols/x/a.ts": `import { hkdf } from "node:crypto";\nimport type { Logger } from "pino";` },
        found: [`src/protocols/x/a.ts:1 imports "node:crypto"`, `src/protocols/x/a.ts:2 imports "pino"`],
      },
    ],
  },

  "no I/O, clock, timer or randomness below runtime/": {
    good: {
      "src/runtime/a.ts": "setTimeout(() => console.log(Date.now(), process.pid), 1);",
      "src/kernel/a.test.ts": "new Date(); Math.random();",
      "src/protocols/x/a.ts": `// Date.now() is not ours
        export interface Options { readonly crypto: Crypto2; fetch(): void; process?: string }
        interface Crypto2 { performance: number }
        export function run({ crypto }: Options, process: string): string {
          const setTimeout = (): string => process;
          for (const console of [crypto]) void console.performance;
          return setTimeout() + "Date.now()" + Math.max(1, 2) + { Buffer: 1 }.Buffer;
        }`,
    },
    bad: [
      {
        what: "clocks",
        files: { "src/kernel/a.ts": "Date.now();\nnew Date();\nperformance.now();\nlet at: Date;" },
        found: ["a.ts:1 uses Date", "a.ts:2 uses Date", "a.ts:3 uses performance", "a.ts:4 uses Date"],
      },
      {
        what: "dice, also when taken apart or behind globalThis",
        files: {
          "src/bridges/a.ts":
            "Math.random();\nconst { random } = Math;\nglobalThis.Math;\ncrypto.getRandomValues(bytes);",
        },
        found: [
          "a.ts:1 uses Math.random",
          "a.ts:2 uses Math as a value",
          "a.ts:3 uses globalThis",
          "a.ts:4 uses crypto",
        ],
      },
      {
        what: "timers, I/O and Node's globals",
        files: {
          "src/codecs/a.ts": `setTimeout(run, 1); queueMicrotask(run);
            console.log(Buffer.alloc(1)); fetch("x");
            process.exit(); require("fs");`,
        },
        found: [
          "a.ts:1 uses setTimeout",
          "a.ts:1 uses queueMicrotask",
          "a.ts:2 uses console",
          "a.ts:2 uses Buffer",
          "a.ts:2 uses fetch",
          "a.ts:3 uses process",
          "a.ts:3 uses require",
        ],
      },
      {
        what: "a global beside a scope in which the name is declared",
        files: {
          "src/bytes/a.ts": "function f(process: string): void {}\nprocess.exit();\nconst handle = { crypto };",
        },
        found: ["a.ts:2 uses process", "a.ts:3 uses crypto"],
      },
    ],
  },

  "every parser has a fuzz target": {
    good: {
      ...sessionTarget(`"src/protocols/x/session.ts"`),
      "src/codecs/x.ts": "export function writeX(): void {} function parseX(): void {} export interface TagReader {}",
      "src/codecs/x.test.ts": "export function parseX(): void {}",
      "src/kernel/x.ts": "export function parseX(): void {}",
    },
    bad: [
      {
        what: "a parsing function and a stateful reader without a target",
        files: {
          ...sessionTarget(`"src/protocols/x/session.ts"`),
          "src/codecs/x.ts": "\nexport function parseX(): void {}",
          "src/formats/y.ts": "export class TagReader {}",
          "src/formats/z.ts": "export const parseZ = (): void => {};",
        },
        found: [
          "src/codecs/x.ts:2 exports parseX",
          "src/formats/y.ts:1 exports TagReader",
          "src/formats/z.ts:1 exports parseZ",
        ],
      },
      {
        what: "a parser that a target imports but does not claim",
        files: sessionTarget(""),
        found: ["src/protocols/x/session.ts:1 exports parseHello"],
      },
    ],
  },

  "fuzz targets cover what they say": {
    good: sessionTarget(`"src/protocols/x/session.ts"`),
    bad: [
      {
        what: "a target that covers nothing",
        files: sessionTarget(""),
        found: ["fuzz/targets/session.ts:1 has no covers"],
      },
      {
        what: "a file that is gone, and one that is not imported",
        files: { ...sessionTarget(`"src/gone.ts", "src/codecs/y.ts"`), "src/codecs/y.ts": "" },
        found: ["covers src/gone.ts, and there is no such file", "covers src/codecs/y.ts, but does not import it"],
      },
      {
        what: "a name that is not the file's",
        files: {
          "fuzz/targets/a.ts": `import "../../src/b.ts"; export const target = { name: "b", covers: ["src/b.ts"] };`,
          "src/b.ts": "",
        },
        found: [`is called "b": a target has its file's name, "a"`],
      },
    ],
  },

  "no dead files": {
    good: {
      "src/index.ts": `export type { A } from "./kernel/a.ts";`,
      "src/kernel/a.ts": `const worker = new URL("./b.ts", import.meta.url);`,
      "src/kernel/b.ts": "",
      "src/kernel/b.cases.ts": "",
      "src/kernel/b.test.ts": `import "./b.cases.ts";`,
      "src/server/main.ts": `await import("./late.ts");`,
      "src/server/late.ts": "",
    },
    bad: [
      {
        what: "a file that only its test, a benchmark and a fuzz target import",
        files: {
          "src/index.ts": "",
          "src/kernel/a.ts": "",
          "src/kernel/a.test.ts": `import "./a.ts";`,
          "bench/a.ts": `import "../src/kernel/a.ts";`,
          "fuzz/targets/a.ts": `import "../../src/kernel/a.ts";`,
        },
        found: ["src/kernel/a.ts:1 is not reached from src/index.ts"],
      },
      {
        what: "a case table without a test",
        files: { "src/kernel/a.cases.ts": "" },
        found: ["src/kernel/a.cases.ts:1 is a case table that no test"],
      },
    ],
  },

  "links between documents resolve": {
    good: {
      "README.md": `# Millrace, a server!
        [one](docs/one.md#second-heading-a_b) ![picture](docs/page.png "The page") [here](#millrace-a-server) [web](https://example.org/none)
        [folder](docs/) \`[not](a link.md)\` <img src="docs/page.png"> [named][ref]

[ref]: docs/one.md#same-1
\`\`\`md
[not](a-link.md)
\`\`\``.replaceAll(/^ {8}/gm, ""),
      "docs/one.md": "# One\n## Second *heading*: `a_b`\n### Same\n### Same\n[up](../README.md)\n",
      "docs/page.png": "",
    },
    bad: [
      {
        what: "a file, a picture and a reference that are not there",
        files: { "docs/a.md": `[one](one.md)\n<img src="b.png">\n\n[ref]: ../c.md\n` },
        found: ["docs/a.md:1 links to one.md", "docs/a.md:4 links to ../c.md", "docs/a.md:2 links to b.png"],
      },
      {
        what: "a heading that is not there",
        files: { "a.md": "# A\n[x](#b) [y](b.md#bee)", "b.md": "```\n# bee\n```\n" },
        found: [
          "a.md:2 links to #b, and there is no such heading",
          "a.md:2 links to b.md#bee, and there is no such heading",
        ],
      },
      {
        what: "a file beside the project",
        files: { "a.md": "[design](../shared/design.md)" },
        found: ["a.md:1 links to ../shared/design.md, outside of the project"],
      },
    ],
  },

  "npm scripts named in documents exist": {
    good: {
      "package.json": manifest,
      "README.md": "```sh\nnpm ci && npm run check\nnpm test -- --only unit\n```\n`npm run check`.",
    },
    bad: [
      {
        what: "scripts that are not there",
        files: { "package.json": manifest, "README.md": "```sh\nnpm run fuzz\n```\n`npm start`\n" },
        found: [`README.md:2 names npm script "fuzz"`, `README.md:4 names npm script "start"`],
      },
    ],
  },

  "every dependency is documented": {
    good: {
      "package.json": manifest,
      "docs/dependencies.md": "| package | why |\n|---|---|\n| `ws` | WebSocket in `src/server` |\n",
    },
    bad: [
      {
        what: "a dependency without a line",
        files: { "package.json": manifest, "docs/dependencies.md": "" },
        found: ["has no line for `ws`"],
      },
      {
        what: "a line about a dependency that is gone",
        files: { "package.json": manifest, "docs/dependencies.md": "| `ws` | |\n| `left-pad` | |\n" },
        found: ["docs/dependencies.md:2 has a row for `left-pad`"],
      },
      {
        what: "a tree without the page",
        files: { "package.json": manifest },
        found: ["docs/dependencies.md:1 is missing"],
      },
    ],
  },

  "error codes are declared once, with a sentence": {
    good: {
      "src/bytes/bit-reader.ts": `/** Too short. */\nexport const ERR_TRUNCATED = "ERR_TRUNCATED";`,
      "src/protocols/x/errors.ts": `/** Bad. */\nexport const ERR_X_BAD = "ERR_X_BAD" as const;\nexport const other: string = "z";`,
    },
    bad: [
      {
        what: "a code outside of the table",
        files: { "src/codecs/x/sps.ts": `// Bad.\nexport const ERR_X = "ERR_X";` },
        found: ["src/codecs/x/sps.ts:2 declares ERR_X: codes are declared in the folder's errors.ts"],
      },
      {
        what: "another value, no sentence, and a second declaration",
        files: {
          "src/a/errors.ts": `// A.\nexport const ERR_A = "ERR_B";\nexport const ERR_C = "ERR_C";`,
          "src/b/errors.ts": `// C.\nexport const ERR_C = "ERR_C";`,
        },
        found: [
          "ERR_A has another value",
          "src/a/errors.ts:3 ERR_C has no sentence",
          "ERR_C is declared in src/a/errors.ts too",
        ],
      },
    ],
  },

  "error codes are used by name": {
    good: {
      "src/kernel/errors.ts": `/** Full. */\nexport const ERR_FULL = "ERR_FULL";`,
      "src/kernel/a.ts": `import { ERR_FULL } from "./errors.ts"; throw new CodedError(ERR_FULL, "ERR_FULL is its code");`,
      "src/runtime/a.ts": `if (error.code === "ERR_SOCKET_CLOSED") throw new CodedError(error.code, "closed");`,
      "src/kernel/a.test.ts": `expect(error.code).toBe("ERR_FULL");`,
    },
    bad: [
      {
        what: "a code as a string, and a declared one that nothing raises",
        files: {
          "src/kernel/errors.ts": `/** Full. */\nexport const ERR_FULL = "ERR_FULL";`,
          "src/kernel/a.ts": `import { ERR_FULL } from "./errors.ts";\nthrow new CodedError("ERR_FULL", "full");`,
          "src/server/a.ts": `throw new CodedError("E_ODD", "odd");`,
        },
        found: [
          `a.ts:2 writes "ERR_FULL" as a string`,
          `writes "E_ODD" as a string`,
          "declares ERR_FULL, and nothing raises it",
        ],
      },
    ],
  },

  "files are short": {
    good: {
      "src/kernel/a.ts": "//\n".repeat(500),
      "src/kernel/a.cases.ts": "//\n".repeat(900),
      "docs/a.md": "x\n".repeat(900),
    },
    bad: [
      {
        what: "a long file",
        files: { "src/kernel/a.ts": "//\n".repeat(501) },
        found: ["has 501 lines, the limit is 500"],
      },
    ],
  },

  "no names that say nothing": {
    good: { "src/bytes/time.ts": "", "docs/utilities.md": "" },
    bad: [
      {
        what: "catch-all files and folders",
        files: { "src/bytes/utils.ts": "", "web/src/helpers/x.ts": "", "src/kernel/misc.ts": "" },
        found: ["src/bytes/utils.ts", "web/src/helpers/x.ts", "src/kernel/misc.ts"],
      },
    ],
  },

  "no default exports": {
    good: {
      "src/a.ts": `export const a = "export default 1"; export { b } from "./b.ts";`,
      "vitest.config.ts": "export default {};",
    },
    bad: [
      {
        what: "every way to write one",
        files: {
          "src/a.ts": "const a = 1; export default a;",
          "src/b.ts": "export default function b(): void {}",
          "src/c.ts": "const c = 1; export { c as default };",
          "web/src/d.tsx": "export default class D {}",
        },
        found: ["src/a.ts:1", "src/b.ts:1", "src/c.ts:1", "web/src/d.tsx:1"],
      },
    ],
  },

  "no barrels": {
    good: {
      "src/index.ts": `export { A } from "./kernel/a.ts"; export * from "./kernel/b.ts";`,
      "src/kernel/a.ts": `export type { B } from "./b.ts"; export class A {}`,
      "src/kernel/b.ts": "",
    },
    bad: [
      {
        what: "a file that only hands on",
        files: { "src/kernel/index.ts": `export { A } from "./a.ts";\nexport type { B } from "./b.ts";` },
        found: ["src/kernel/index.ts:1 is a barrel"],
      },
      {
        what: "a file that hands on all of another",
        files: { "src/kernel/a.ts": `export const a = 1;\nexport * from "./b.ts";` },
        found: ["src/kernel/a.ts:2 is a barrel"],
      },
    ],
  },

  "no leftover notes": {
    good: {
      "src/a.ts": `export const note = "TODO"; const pattern = /FIXME/; const text = \`// XXX \${note}\`; // todos are in the issues`,
      "README.md": "A leftover `TODO` fails the tests. XXXL.",
    },
    bad: [
      {
        what: "notes in comments, also before a closing bracket",
        files: {
          "src/a.ts": "const a = 1; // TODO: more",
          "src/b.ts": "function b(): void {\n  // FIXME\n}",
          "web/c.tsx": "/* XXX */",
        },
        found: [
          "src/a.ts:1 holds a leftover TODO",
          "src/b.ts:2 holds a leftover FIXME",
          "web/c.tsx:1 holds a leftover XXX",
        ],
      },
      {
        what: "notes in text files",
        files: { "docs/a.md": "# A\n\nTODO: write", "millrace.toml": "# FIXME" },
        found: ["docs/a.md:3 holds a leftover TODO", "millrace.toml:1 holds a leftover FIXME"],
      },
    ],
  },

  "no test is skipped or singled out": {
    good: {
      "src/a.test.ts": `it("skips", () => { reader.skip(4); list.only(); it.each([1])("x", run); }); // it.skip(`,
    },
    bad: [
      {
        what: "every way to run less",
        files: {
          "src/a.test.ts": `it.only("x", run);\ndescribe.skip("y", run);\nit.skipIf(slow)("z", run);\nit.todo("q");\ntest.concurrent.only("v", run);\ndescribe.each([1]).skip("w", run);`,
        },
        found: ["a.test.ts:1", "a.test.ts:2", "a.test.ts:3", "a.test.ts:4", "a.test.ts:5", "a.test.ts:6"],
      },
    ],
  },

  "no addresses of one machine": {
    good: {
      "docs/a.md": "http://host/home/x, ../tmp/y, /usr/bin/chromium, /etc/millrace/millrace.toml",
      "a.sh": '"$HOME/tmp/x"',
    },
    bad: [
      {
        what: "somebody's folder",
        files: { "docs/a.md": `see\n${machinePath}` },
        found: [`docs/a.md:2 names an address of one machine`],
      },
      {
        what: "a registry",
        files: { "package-lock.json": `"resolved": "https://${registryHost}/ws.tgz"` },
        found: ["package-lock.json:1 names an address of one machine"],
      },
    ],
  },
};
