import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type PageFolders, pageState, providePage } from "./web-page.ts";

let folders: PageFolders;

beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), "millrace-page-"));
  folders = { root, viteBin: join(root, "vite.js") };
  write("web/src/deep/player.ts", 100);
  write("package-lock.json", 100);
});

afterEach(() => rmSync(folders.root, { recursive: true }));

it("knows a page that is missing, fresh, or older than a source or the lock file", () => {
  expect(pageState(folders)).toBe("missing");
  write("web/dist/index.html", 200);
  expect(pageState(folders)).toBe("fresh");
  write("web/src/deep/player.ts", 300);
  expect(pageState(folders)).toBe("stale");
  write("web/dist/index.html", 400);
  write("package-lock.json", 500);
  expect(pageState(folders)).toBe("stale");
});

it("builds a page that is stale", () => {
  write("web/dist/index.html", 50);
  // Stands in for vite: writes the page anew.
  write("vite.js", 100, `require("node:fs").writeFileSync("web/dist/index.html", process.argv.slice(2).join(" "))`);
  providePage(folders);
  expect(pageState(folders)).toBe("fresh");
});

it("makes do with the page that is there when vite is not installed", () => {
  write("web/dist/index.html", 50);
  providePage(folders);
});

it("says what to do when there is neither a page nor vite", () => {
  expect(() => providePage(folders)).toThrow("run `npm ci`");
});

function write(path: string, atSeconds: number, text = ""): void {
  const file = join(folders.root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  utimesSync(file, atSeconds, atSeconds);
  // A folder's time tells of files that were removed, and so it counts as well.
  utimesSync(dirname(file), atSeconds, atSeconds);
}
