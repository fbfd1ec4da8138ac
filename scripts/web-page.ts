/** The player page: built from web/ to web/dist/ when it is missing or older than what it is made of. */

import { execFileSync } from "node:child_process";
import { existsSync, globSync, statSync } from "node:fs";
import { join } from "node:path";

export interface PageFolders {
  /** Where web/ and package-lock.json are. */
  readonly root: string;
  /** Where vite is, if it is installed. */
  readonly viteBin: string;
}

export type PageState = "fresh" | "stale" | "missing";

export function pageFolders(root: string): PageFolders {
  return { root, viteBin: join(root, "node_modules/vite/bin/vite.js") };
}

/** Whether web/dist has a page, and whether something that it is made of is newer. */
export function pageState({ root }: PageFolders): PageState {
  const page = join(root, "web/dist/index.html");
  if (!existsSync(page)) return "missing";
  const builtAtMs = statSync(page).mtimeMs;
  const parts = globSync(["web/*.*", "web/src/**/*", "web/public/**/*", "package-lock.json"], { cwd: root });
  return parts.some((part) => statSync(join(root, part)).mtimeMs > builtAtMs) ? "stale" : "fresh";
}

/**
 * Builds the page unless it is fresh. Without vite (it is a development dependency) the page that is there must do;
 * when there is none, throws an error that says what to do.
 *
 * The build is a process of its own: the bundler's threads and memory have no place in a server.
 */
export function providePage(folders: PageFolders): void {
  const state = pageState(folders);
  if (state === "fresh") return;
  if (existsSync(folders.viteBin)) {
    const options = { cwd: folders.root, stdio: "inherit" } as const;
    execFileSync(process.execPath, [folders.viteBin, "build", "web", "--logLevel", "warn"], options);
  } else if (state === "missing") {
    throw new Error("the player page is not built, and vite, which builds it, is not installed: run `npm ci`");
  }
}
