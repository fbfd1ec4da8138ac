/** `npm start -- [arguments]`: sees to the player page, then is `millrace [arguments]`, in this same process. */

import { resolve } from "node:path";
import { pageFolders, providePage } from "./web-page.ts";

const root = resolve(import.meta.dirname, "..");
const [, , ...given] = process.argv;

try {
  providePage(pageFolders(root));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}

process.argv = [process.execPath, resolve(root, "src/server/main.ts"), ...(given.length > 0 ? given : ["serve"])];
await import("../src/server/main.ts");
