/** A folder for one test file's material: source streams, recordings, certificates. */

import { chmodSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class TestFolder implements AsyncDisposable {
  readonly path: string;

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), "millrace-test-"));
    chmodSync(this.path, 0o777); // players that refuse to run as root write here as somebody else
  }

  file(name: string): string {
    return join(this.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
