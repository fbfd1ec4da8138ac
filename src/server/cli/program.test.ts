import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { parse } from "smol-toml";
import { describe, expect, test } from "vitest";
import { CodedError } from "../../bytes/coded-error.ts";
import type { LoadedConfig } from "../config/load.ts";
import { options } from "../config/schema.ts";
import { type ProgramServices, runProgram } from "./program.ts";

describe("millrace serve", () => {
  test.each([
    ["bare", []],
    ["named", ["serve"]],
  ])("runs the server with the loaded configuration: %s", async (_, command) => {
    const run = await millrace([...command, "--rtmp-port", "1940"], { env: { HTTP_PORT: "8080" } });
    expect(run).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });
    expect(run.served).toHaveLength(1);
    expect(run.served[0]?.config).toMatchObject({ rtmp: { port: 1940 }, http: { port: 8080 } });
  });

  test("takes its options before and after the command, and --set as often as one likes", async () => {
    const files = { "/site/my.toml": "rtmp.gop_cache = false" };
    const argv = ["--config", "my.toml", "--set", "rtmp.port=1", "serve", "-s", "http.port=2", "--set=rtmp.host=::1"];
    const { served } = await millrace(argv, { files });
    expect(served[0]?.config).toMatchObject({ rtmp: { port: 1, host: "::1", gopCache: false }, http: { port: 2 } });
  });

  test("does not start with a bad configuration, and says everything that is wrong with it", async () => {
    const files = { "/site/millrace.toml": "[rtmp]\nchunksize = 1\nport = 'x'" };
    const run = await millrace(["serve", "--set", "htpt.port=1"], { files });
    expect(run).toMatchObject({ exitCode: 2, stdout: "", served: [] });
    expect(run.stderr).toBe(
      [
        "millrace.toml:2: rtmp.chunksize is not an option; did you mean rtmp.chunk_size?",
        "--set: htpt.port is not an option; did you mean http.port?",
        'millrace.toml:3: rtmp.port: expected an integer from 0 to 65535; got "x"',
        "3 problems in the configuration",
        "",
      ].join("\n"),
    );
  });

  test("exits with 1 and a sentence when the server fails", async () => {
    const serve = async (): Promise<void> => {
      throw new CodedError("ERR_PORT_IN_USE", "rtmp.port 1935 is in use");
    };
    expect(await millrace([], { serve })).toMatchObject({
      exitCode: 1,
      stderr: "error: rtmp.port 1935 is in use (ERR_PORT_IN_USE)\n",
    });
  });

  test("exits with 1 and a stack when we fail", async () => {
    const serve = async (): Promise<void> => {
      throw new TypeError("our bug");
    };
    const run = await millrace([], { serve });
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain("program.test.ts");
  });
});

describe("millrace check-config", () => {
  test("prints the entries of streams as they stand in the file, without the passwords in them", async () => {
    const file = [
      "[[streams]]",
      "name = 'live/cam'",
      "source = 'rtsp://admin:swordfish@10.0.0.9/x'",
      "forward = ['rtsp://other/cam?token=swordfish']",
    ];
    const run = await millrace(["check-config"], { files: { "/site/millrace.toml": file.join("\n") } });
    expect(run.exitCode).toBe(0);
    expect(run.stdout).not.toContain("swordfish");
    expect(
      run.stdout
        .split("\n")
        .slice(-5)
        .map((line) => line.replaceAll(/ +#/g, " #")),
    ).toEqual([
      "[[streams]] # millrace.toml:2",
      'name = "live/cam" # millrace.toml:2',
      'source = "rtsp://admin:***@10.0.0.9/x" # millrace.toml:3',
      'forward = ["rtsp://other/cam?token=***"] # millrace.toml:4',
      "",
    ]);
  });

  test("prints every option, its value and where it came from, with secrets masked", async () => {
    const files = { "/site/millrace.toml": "[access]\nplay_token = 'swordfish'\n", "/run/t": "swordfish\n" };
    const env = { MILLRACE__ACCESS__PUBLISH_TOKEN_FILE: "/run/t", RTMP_PORT: "1940", MILLRACE_HTTP_PORT: "80" };
    const run = await millrace(["check-config", "--set", "http.allow_origin=https://a.org,https://b.org"], {
      files,
      env,
    });
    expect(run).toMatchObject({ exitCode: 0, served: [] });
    const line = (key: string): string | undefined => run.stdout.split("\n").find((text) => text.startsWith(`${key} `));
    expect(run.stdout).toMatch(/^# configuration file: \/site\/millrace.toml\n/);
    expect(line("rtmp.port")).toMatch(/^rtmp.port = 1940 {2,}# RTMP_PORT$/);
    expect(line("rtmp.chunk_size")).toMatch(/^rtmp.chunk_size = 60000 {2,}# built-in$/);
    expect(line("access.publish_token")).toMatch(/= "\*\*\*" +# MILLRACE__ACCESS__PUBLISH_TOKEN_FILE$/);
    expect(line("access.play_token")).toMatch(/= "\*\*\*" +# millrace.toml:2$/);
    expect(line("http.allow_origin")).toMatch(/= \["https:\/\/a.org", "https:\/\/b.org"\] +# --set http.allow_origin$/);
    expect(run.stdout).not.toContain("swordfish");
    expect(run.stderr).toBe(
      "note: MILLRACE_HTTP_PORT is not read; for http.port write MILLRACE__HTTP__PORT, with two underscores\n",
    );
    for (const key of options.keys()) expect(line(key)).toBeDefined();
    expect(() => parse(run.stdout)).not.toThrow();
  });

  test("says when there is no file, and that no secret is set", async () => {
    const { stdout } = await millrace(["check-config"]);
    expect(stdout).toMatch(/^# no configuration file\n/);
    expect(stdout).toMatch(/^access.publish_token = "" +# built-in$/m);
  });

  test("exits with 2 and all problems", async () => {
    const run = await millrace(["check-config", "--set", "a.b=1", "--set", "c"]);
    expect(run).toMatchObject({ exitCode: 2, stdout: "" });
    expect(run.stderr).toMatch(/2 problems in the configuration\n$/);
  });
});

describe("millrace healthcheck", () => {
  test.each([
    [200, 0, "ready: "],
    [503, 1, "not ready: "],
  ])("a server that answers %i gives exit code %i", async (status, exitCode, beginning) => {
    await using server = await listen((path) => (path === "/readyz" ? status : 404));
    const run = await millrace(["healthcheck", "--http-port", String(server.port)]);
    expect(run.exitCode).toBe(exitCode);
    expect(run.stdout + run.stderr).toBe(`${beginning}http://127.0.0.1:${server.port}/readyz answered ${status}\n`);
  });

  test("nobody there, no port known, and HTTP switched off give exit code 1", async () => {
    let port: number;
    {
      await using server = await listen(() => 200);
      port = server.port;
    }
    const gone = await millrace(["healthcheck", "--http-port", String(port)]);
    expect(gone.exitCode).toBe(1);
    expect(gone.stderr).toMatch(/did not answer: .*ECONNREFUSED/);
    expect((await millrace(["healthcheck", "--http-port", "0"])).exitCode).toBe(1);
    expect((await millrace(["healthcheck", "--set", "http.enabled=false"])).exitCode).toBe(1);
  });

  test("asks the address that is listened on", async () => {
    const { stderr } = await millrace(["healthcheck", "--set", "http.host=::1", "--http-port", "1"]);
    expect(stderr).toContain("http://[::1]:1/readyz");
  });
});

describe("the rest", () => {
  test.each([[["version"]], [["--version"]], [["-V"]]])("%j prints the version", async (argv) => {
    expect(await millrace(argv)).toMatchObject({ exitCode: 0, stdout: "1.2.3\n", stderr: "", served: [] });
  });

  test.each([[["--help"]], [["help"]], [["-h"]]])("%j explains commands, options and how to begin", async (argv) => {
    const { exitCode, stdout, served } = await millrace(argv);
    expect([exitCode, served]).toEqual([0, []]);
    for (const word of [
      "serve",
      "check-config",
      "healthcheck",
      "bench",
      "--set",
      "--config",
      "rtmp://localhost:1935/live/cam",
    ]) {
      expect(stdout).toContain(word);
    }
  });

  test("a command's help has the common options too", async () => {
    expect((await millrace(["serve", "--help"])).stdout).toContain("--rtmp-port");
  });

  test.each([
    [["sreve"], "error: sreve is not a command; did you mean serve?"],
    [["banana"], "error: banana is not a command; millrace --help lists them"],
    [["--prot", "1"], "unknown option '--prot'"],
    [["serve", "now"], "too many arguments"],
    [["--rtmp-port"], "argument missing"],
  ])("%j is a usage error, exit code 2", async (argv, sentence) => {
    const { exitCode, stdout, stderr, served } = await millrace(argv);
    expect([exitCode, stdout, served]).toEqual([2, "", []]);
    expect(stderr).toContain(sentence);
  });
});

interface Run {
  exitCode: number;
  stdout: string;
  stderr: string;
  served: LoadedConfig[];
}

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly serve?: ProgramServices["serve"];
}

async function millrace(argv: readonly string[], { env = {}, files = {}, serve }: Given = {}): Promise<Run> {
  const run: Run = { exitCode: -1, stdout: "", stderr: "", served: [] };
  const contents = new Map(Object.entries(files));
  run.exitCode = await runProgram(argv, env, {
    serve:
      serve ??
      (async (loaded) => {
        run.served.push(loaded);
      }),
    version: "1.2.3",
    stdout: { write: (text) => (run.stdout += text) },
    stderr: { write: (text) => (run.stderr += text) },
    cwd: "/site",
    readFile: (path) => {
      const text = contents.get(path);
      return text === undefined ? undefined : new TextEncoder().encode(text);
    },
  });
  return run;
}

async function listen(statusOf: (path: string) => number): Promise<{ port: number } & AsyncDisposable> {
  const server: Server = createServer((request, response) => {
    response.writeHead(statusOf(request.url ?? "")).end("x");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
