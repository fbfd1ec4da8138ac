#!/usr/bin/env -S node --max-semi-space-size=8

/** The program's entry: the command line, the signals, and the last line of defence. */

import { readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { resolve } from "node:path";
import closeWithGrace from "close-with-grace";
import type { LoadedConfig } from "./config/load.ts";

enableCompileCache(); // zod and fastify are most of the start-up time

const { runProgram } = await import("./cli/program.ts");

/** Beyond the time that connections have to finish: what the rest of the shutdown may take before the process is ended. */
const shutdownGraceMs = 2_000;

const version = readVersion();

const exitCode = await runProgram(process.argv.slice(2), process.env, {
  version,
  stdout: process.stdout,
  stderr: process.stderr,
  serve,
});
// A running server ends the process itself, when it is told to stop.
if (exitCode !== 0) process.exitCode = exitCode;

async function serve(loaded: LoadedConfig): Promise<void> {
  const [{ bannerOf, startServer }, { createLogger, standardOutput }] = await Promise.all([
    import("./serve.ts"),
    import("./log/logger.ts"),
  ]);
  const isTerminal = process.stdout.isTTY === true;
  const { level, format } = loaded.config.logging;
  const logging = { level, format, isTerminal, hasColors: isTerminal && !process.env["NO_COLOR"] };
  const logOutput = standardOutput();
  const logger = createLogger({ ...logging, destination: logOutput });
  const starting = startServer({ loaded, logger, logging, logOutput, version });

  // A rejection that nobody handles belonged to one session, which is gone; the server is not. A throw that nobody caught may
  // have left anything behind: the server stops in order, and its supervisor starts it again.
  process.on("unhandledRejection", (error) =>
    logger.error({ err: error }, "an unhandled rejection: a mistake of ours"),
  );
  // From the first moment on: who is told to stop while he starts stops in order, too.
  const closing = closeWithGrace(
    { delay: loaded.config.server.shutdownTimeoutMs + shutdownGraceMs, skip: ["unhandledRejection"], logger },
    async ({ signal, err }) => {
      if (err !== undefined) logger.fatal({ err }, "an uncaught error, a mistake of ours: the server stops");
      const server = await starting.catch(() => undefined);
      await server?.stop(err === undefined ? `received ${signal}` : "an uncaught error");
    },
  );
  try {
    const server = await starting;
    if (isTerminal) process.stdout.write(bannerOf(server, loaded, version));
  } catch (error) {
    closing.uninstall(); // there is nothing to stop, and the reason is said elsewhere
    throw error;
  }
}

function readVersion(): string {
  const file = resolve(import.meta.dirname, "../../package.json");
  const { version: found } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  return found;
}
