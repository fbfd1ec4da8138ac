/** Reads small files whole and large ones not at all. */

import { closeSync, openSync, readSync } from "node:fs";

/**
 * At most `maxBytes` + 1 bytes of the file, so that the caller can tell a file that is too large; undefined when there is
 * none. Works on pipes too (`--config <(…)`), and stops on devices without end.
 */
export function readFileBounded(path: string, maxBytes: number): Uint8Array | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const bytes = new Uint8Array(maxBytes + 1);
    let filled = 0;
    while (filled < bytes.length) {
      const count = readSync(descriptor, bytes, filled, bytes.length - filled, null);
      if (count === 0) break;
      filled += count;
    }
    return bytes.slice(0, filled);
  } finally {
    closeSync(descriptor);
  }
}
