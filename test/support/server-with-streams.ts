/** Servers with `[[streams]]`, which only a file can say. */

import { writeFile } from "node:fs/promises";
import type { TestFolder } from "./folder.ts";
import { startServer, type TestServer } from "./server.ts";

/** @param streams - what its file says */
export async function startServerWithStreams(
  folder: TestFolder,
  streams: string,
  set: readonly string[] = [],
): Promise<TestServer> {
  const config = folder.file(`${Math.random()}.toml`);
  await writeFile(config, streams);
  return startServer({ config, set });
}
