/** The command line: `millrace serve` (also bare `millrace`), `check-config`, `healthcheck`, `bench`, `version`. */

import { Command, CommanderError } from "commander";
import { CodedError } from "../../bytes/coded-error.ts";
import type { CommandLine } from "../config/command-line-layer.ts";
import type { Environment } from "../config/environment-layer.ts";
import type { ReadFile } from "../config/layers.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { nearestName } from "../config/nearest-name.ts";
import { ConfigError, quoted } from "../config/problem.ts";
import { readFileBounded } from "../config/read-file.ts";
import { benchCommand } from "./bench.ts";
import { formatSettings } from "./check-config.ts";
import { checkHealth } from "./healthcheck.ts";
import type { TextOutput } from "./text-output.ts";

/** What the program does with the world; tests give their own. */
export interface ProgramServices {
  /** Runs the server; resolves when it has stopped in good order. */
  readonly serve: (loaded: LoadedConfig) => Promise<void>;
  readonly version: string;
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  /** Relative paths start here; the process's working directory when left out. */
  readonly cwd?: string;
  readonly readFile?: ReadFile;
}

/**
 * Runs one command. `argv` is what follows the program's name. Resolves to the exit code: 0 fine, 1 failure, 2 usage or bad
 * configuration. Never rejects.
 */
export async function runProgram(
  argv: readonly string[],
  env: Environment,
  services: ProgramServices,
): Promise<number> {
  const { stdout, stderr } = services;
  let exitCode: number = exitCodes.fine;
  const program = new Command("millrace");

  const load = (): LoadedConfig =>
    loadConfig({
      commandLine: program.opts<CommandLine>(),
      env,
      cwd: services.cwd ?? process.cwd(),
      readFile: services.readFile ?? readFileBounded,
    });
  const serve = async (): Promise<void> => services.serve(load());

  program
    .description("A live media server: publish over RTMP, play over RTMP, HTTP-FLV and WebSocket-FLV.")
    .option("-c, --config <file>", "read this file (default: ./millrace.toml, else /etc/millrace/millrace.toml)")
    .option("-s, --set <option=value>", "set any option, as in rtmp.port=1935; may be repeated", append)
    .option("--rtmp-port <port>", "the same as --set rtmp.port=…")
    .option("--http-port <port>", "the same as --set http.port=…")
    .version(services.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
    })
    .exitOverride()
    .addHelpText("after", examples)
    .helpCommand("help [command]", "print the help of a command")
    .argument("[command]")
    .usage("[options] [command]")
    .action(async (command: string | undefined) => {
      if (command !== undefined) program.error(unknownCommand(command, program));
      await serve();
    });

  program.command("serve").description("run the server (also what a bare millrace does)").action(serve);
  program
    .command("check-config")
    .description("print every option's effective value and where it came from; secrets are masked")
    .action(() => {
      const loaded = load();
      stdout.write(formatSettings(loaded));
      for (const note of loaded.notes) stderr.write(`note: ${note}\n`);
    });
  program
    .command("healthcheck")
    .description("ask the server on this machine whether it is ready; exit code 0 when it is")
    .action(async () => {
      const { isReady, sentence } = await checkHealth(load().config.http);
      (isReady ? stdout : stderr).write(`${isReady ? "ready" : "not ready"}: ${sentence}\n`);
      if (!isReady) exitCode = exitCodes.failure;
    });
  const bench = benchCommand({
    stdout,
    stderr,
    onDone: (isPassed) => {
      if (!isPassed) exitCode = exitCodes.failure;
    },
  });
  program.addCommand(bench.copyInheritedSettings(program));
  program
    .command("version")
    .description("print the version")
    .action(() => {
      stdout.write(`${services.version}\n`);
    });

  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    return report(error, stderr);
  }
}

function append(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function unknownCommand(name: string, program: Command): string {
  const near = nearestName(
    name,
    program.commands.map((command) => command.name()),
  );
  const advice = near === undefined ? "millrace --help lists them" : `did you mean ${near}?`;
  return `error: ${quoted(name)} is not a command; ${advice}`;
}

/** Says what went wrong, once, and returns the exit code for it. */
function report(error: unknown, stderr: TextOutput): number {
  // Commander has written its own sentence, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fine : exitCodes.usage;
  if (error instanceof ConfigError) {
    const { problemCount } = error;
    stderr.write(
      `${error.message}\n${problemCount} ${problemCount === 1 ? "problem" : "problems"} in the configuration\n`,
    );
    return exitCodes.usage;
  }
  if (error instanceof CodedError) stderr.write(`error: ${error.message} (${error.code})\n`);
  else stderr.write(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return exitCodes.failure;
}

const exitCodes = { fine: 0, failure: 1, usage: 2 } as const;

const examples = `
Examples:
  millrace                                  publish to rtmp://localhost:1935/live/cam,
                                            watch at http://localhost:8000/live/cam
  millrace --rtmp-port 1940 --http-port 80  on other ports
  millrace --set access.publish=anyone      let other machines publish
  millrace check-config                     what is set, and by whom
  millrace bench rtmp://localhost/live/cam  a hundred players, checked

Every option is explained in millrace.toml. Each can also be given in the environment:
rtmp.chunk_size is MILLRACE__RTMP__CHUNK_SIZE.
`;
