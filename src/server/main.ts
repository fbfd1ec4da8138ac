#!/usr/bin/env node

/** The program's entry: the command line, the signals, and the last line of defence. */

import { readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { resolve } from "node:path";
import type { LoadedConfig } from "./config/load.ts";

enableCompileCache(); // zod and fastify are most of the start-up time

const { runProgram } = await import("./cli/program.ts");

const version = readVersion();

process.exitCode = await runProgram(process.argv.slice(2), process.env, {
  version,
  stdout: process.stdout,
  stderr: process.stderr,
  serve,
});

async function serve(loaded: LoadedConfig): Promise<void> {
  const [{ bannerOf, startServer }, { createLogger }] = await Promise.all([
    import("./serve.ts"),
    import("./log/logger.ts"),
  ]);
  const isTerminal = process.stdout.isTTY === true;
  const { level, format } = loaded.config.logging;
  const logger = createLogger({ level, format, isTerminal, hasColors: isTerminal && !process.env["NO_COLOR"] });
  const stopped = untilSignal();
  const server = await startServer({ loaded, logger, version });
  if (isTerminal) process.stdout.write(bannerOf(server, loaded, version));

  // A rejection that nobody handles belonged to one session, which is gone; the server is not.
  process.on("unhandledRejection", (error) =>
    logger.error({ err: error }, "an unhandled rejection: a mistake of ours"),
  );
  await server.stop(`received ${await stopped}`);
}

/** The first SIGINT or SIGTERM. The second one ends the process at once. */
function untilSignal(): Promise<string> {
  return new Promise((done) => {
    let isStopping = false;
    const onSignal = (signal: string): void => {
      if (isStopping) process.exit(1);
      isStopping = true;
      done(signal);
    };
    process.on("SIGINT", onSignal);
    process.on("SIGTERM", onSignal);
  });
}

function readVersion(): string {
  const file = resolve(import.meta.dirname, "../../package.json");
  const { version: found } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  return found;
}
