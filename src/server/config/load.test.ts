import { describe, expect, test } from "vitest";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CONFIG_INVALID, ERR_CONFIG_SYNTAX, ERR_CONFIG_TOO_LARGE, ERR_CONFIG_UNREADABLE } from "./errors.ts";
import { maxFileBytes, maxProblems, maxSecretFileBytes } from "./limits.ts";
import { refusedCases } from "./load.cases.ts";
import { type ConfigSources, type LoadedConfig, loadConfig } from "./load.ts";
import { formatOrigin } from "./origin.ts";
import { ConfigError } from "./problem.ts";

describe("what is refused", () => {
  test.each(refusedCases)("$name", ({ file, env, set, rtmpPort, problems }) => {
    const files = { ...(file === undefined ? {} : { "/site/millrace.toml": file }), "/run/token": "t" };
    const failure = refusal({ files, env: env ?? {}, commandLine: { set, rtmpPort } });
    expect(failure.problems.map((problem) => problem.message)).toEqual(problems);
    expect(failure.code).toBe(ERR_CONFIG_INVALID);
    expect(failure.message).toBe(problems.join("\n"));
    for (const problem of failure.problems) expect(problem.code).toMatch(/^ERR_CONFIG_/);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("a file named on the command line that is not there", () => {
    const failure = refusal({ commandLine: { config: "other.toml" } });
    expect(failure.message).toBe("other.toml: there is no such file (looked for /site/other.toml)");
    expect(failure.problems[0]?.code).toBe(ERR_CONFIG_UNREADABLE);
  });

  test("a file that cannot be read, instead of going on without it", () => {
    const failure = refusal({
      readFile: () => {
        throw new Error("EACCES: permission denied");
      },
    });
    expect(failure.message).toBe("millrace.toml: the file cannot be read: EACCES: permission denied");
  });

  test("a file that is too large, or not UTF-8", () => {
    const large = refusal({ readFile: (_, maxBytes) => new Uint8Array(maxBytes + 1).fill(0x20) });
    expect(large.problems[0]?.code).toBe(ERR_CONFIG_TOO_LARGE);
    const latin = refusal({ readFile: () => Uint8Array.of(0x23, 0xe4, 0x0a) });
    expect(latin.problems[0]?.code).toBe(ERR_CONFIG_SYNTAX);
  });

  test("a secret that is too large, or not text", () => {
    const env = { MILLRACE__ACCESS__PLAY_TOKEN_FILE: "/run/secret" };
    for (const bytes of [new Uint8Array(maxSecretFileBytes + 1), Uint8Array.of(0xff)]) {
      const failure = refusal({ env, readFile: (path) => (path === "/run/secret" ? bytes : undefined) });
      expect(failure.problems).toHaveLength(1);
      expect(failure.message).toContain("MILLRACE__ACCESS__PLAY_TOKEN_FILE: expected");
    }
  });

  test("a hundred thousand wrong keys, in a bounded answer and time", () => {
    const file = Array.from({ length: 100_000 }, (_, index) => `k${index}=1`).join("\n");
    expect(file.length).toBeLessThan(maxFileBytes);
    const failure = refusal({ files: { "/site/millrace.toml": file } });
    expect(failure.problems).toHaveLength(maxProblems);
    expect(failure.problemCount).toBe(100_000);
    expect(failure.message).toMatch(/… and 99950 more$/);
  });
});

describe("what is loaded", () => {
  test("without any source, the built-in values", () => {
    const { config, file, settings, notes } = load({});
    expect(config).toMatchObject({
      rtmp: { port: 1935, chunkSizeBytes: 60_000, gopCache: true, pingIntervalMs: 30_000, tls: undefined },
      http: { port: 8000, allowOrigins: ["*"] },
      streaming: { idleTimeoutMs: 15_000, maxRingBytes: 67_108_864 },
      access: { publish: "loopback", play: "anyone", management: "loopback" },
      logging: { level: "info", format: "auto" },
    });
    expect(file).toBeUndefined();
    expect(notes).toEqual([]);
    expect(new Set(settings.map((setting) => setting.origin.kind))).toEqual(new Set(["built-in"]));
  });

  test("each layer over the one below, with the origin of every value", () => {
    const files = { "/site/millrace.toml": "[rtmp]\nport = 1\nchunk_size = 1000\n[http]\nport = 3\nhost = '::1'" };
    const env = { RTMP_PORT: "4", MILLRACE__RTMP__PORT: "5", HTTP_PORT: "6", PATH: "/bin" };
    const loaded = load({ files, env, commandLine: { set: ["http.port=7", "http.port=8"], httpPort: "9" } });
    expect(loaded.config).toMatchObject({ rtmp: { port: 5, chunkSizeBytes: 1000 }, http: { port: 9, host: "::1" } });
    expect(loaded.file).toBe("/site/millrace.toml");
    expect(originOf(loaded, "rtmp.port")).toBe("MILLRACE__RTMP__PORT");
    expect(originOf(loaded, "rtmp.chunk_size")).toBe("millrace.toml:3");
    expect(originOf(loaded, "http.host")).toBe("millrace.toml:6");
    expect(originOf(loaded, "http.port")).toBe("--http-port");
    expect(originOf(loaded, "http.enabled")).toBe("built-in");
    expect(originOf(load({ commandLine: { set: ["http.port=7"] } }), "http.port")).toBe("--set http.port");
    expect(originOf(load({ env: { HTTP_PORT: "7" } }), "http.port")).toBe("HTTP_PORT");
  });

  test("the named file alone, else the working directory's, else the machine's", () => {
    const files = {
      "/site/millrace.toml": "rtmp.port = 1",
      "/etc/millrace/millrace.toml": "rtmp.port = 2",
      "/site/my.toml": "rtmp.port = 3",
    };
    expect(load({ files }).config.rtmp.port).toBe(1);
    expect(load({ files, commandLine: { config: "my.toml" } }).config.rtmp.port).toBe(3);
    const { "/site/millrace.toml": _, ...others } = files;
    expect(load({ files: others }).config.rtmp.port).toBe(2);
  });

  test("texts of every kind", () => {
    const set = [
      "rtmp.gop_cache=false",
      "rtmp.host=127.0.0.1",
      "streaming.idle_timeout=500ms",
      "streaming.max_ring=32MiB",
      "http.allow_origin=https://a.org, http://b.org:8080",
      "access.publish=token",
      "access.publish_token=a=b",
      "rtmp.tls.certificate=cert.pem",
      "rtmp.tls.key=key.pem",
    ];
    expect(load({ commandLine: { set } }).config).toMatchObject({
      rtmp: {
        gopCache: false,
        host: "127.0.0.1",
        tls: { port: 1936, certificatePath: "cert.pem", keyPath: "key.pem" },
      },
      streaming: { idleTimeoutMs: 500, maxRingBytes: 33_554_432 },
      http: { allowOrigins: ["https://a.org", "http://b.org:8080"] },
      access: { publish: "token", publishToken: "a=b" },
    });
    expect(load({ commandLine: { set: ["http.allow_origin=https://a.org"] } }).config.http.allowOrigins).toEqual([
      "https://a.org",
    ]);
  });

  test.each([
    ["swordfish\n", "swordfish"],
    ["swordfish\r\n", "swordfish"],
    ["swordfish", "swordfish"],
  ])("a mounted secret %j without its newline", (contents, token) => {
    const files = { "/run/secrets/t": contents };
    const loaded = load({ files, env: { MILLRACE__ACCESS__PUBLISH_TOKEN_FILE: "/run/secrets/t" } });
    expect(loaded.config.access.publishToken).toBe(token);
    expect(originOf(loaded, "access.publish_token")).toBe("MILLRACE__ACCESS__PUBLISH_TOKEN_FILE");
  });

  test("the same port twice on addresses that never meet, and port 0 as often as one likes", () => {
    const set = ["rtmp.host=127.0.0.1", "http.host=127.0.0.2", "rtmp.port=5", "http.port=5"];
    expect(load({ commandLine: { set } }).config.http.port).toBe(5);
    expect(load({ commandLine: { rtmpPort: "0", httpPort: "0" } }).config.rtmp.port).toBe(0);
    expect(load({ commandLine: { set: ["rtmp.enabled=false", "rtmp.port=8000"] } }).config.rtmp.enabled).toBe(false);
  });

  test("past what Kubernetes and Compose put into the environment, saying so", () => {
    const env = {
      RTMP_PORT: "tcp://10.0.0.7:1935",
      HTTP_PORT: "",
      MILLRACE_HTTP_PORT: "80",
      MILLRACE_PORT: "tcp://10.0.0.8:1",
    };
    const { config, notes } = load({ env });
    expect([config.rtmp.port, config.http.port]).toEqual([1935, 8000]);
    expect(notes).toEqual([
      "RTMP_PORT=tcp://10.0.0.7:1935 was passed over: Kubernetes sets it for a Service of that name",
      "MILLRACE_HTTP_PORT is not read; for http.port write MILLRACE__HTTP__PORT, with two underscores",
    ]);
  });

  test("entries of streams, with the origin of everything in them", () => {
    const file =
      '[[streams]]\nname = "live/cam"\nsource = "rtsp://u:p@host/x"\n\n[[streams]]\nname = "cams/*"\nforward = []';
    const loaded = load({ files: { "/site/millrace.toml": file } });
    expect(loaded.config.streams).toEqual([
      { pattern: "live/cam", settings: { source: "rtsp://u:p@host/x" } },
      { pattern: "cams/*", settings: { forward: [] } },
    ]);
    const origins = loaded.streamSettings.map((entry) => entry.map(({ key, origin }) => [key, formatOrigin(origin)]));
    expect(origins).toEqual([
      [
        ["name", "millrace.toml:2"],
        ["source", "millrace.toml:3"],
      ],
      [
        ["name", "millrace.toml:6"],
        ["forward", "millrace.toml:7"],
      ],
    ]);
  });

  test("into something that nobody can change", () => {
    const loaded = load({
      files: { "/site/millrace.toml": 'http.allow_origin = ["https://a.org"]\n[[streams]]\nname = "a/b"' },
    });
    const { config, settings, notes } = loaded;
    const objects: object[] = [loaded, settings, notes, ...settings, ...settings.map((setting) => setting.origin)];
    objects.push(config, ...Object.values(config), config.http.allowOrigins, ...config.streams);
    objects.push(loaded.streamSettings, ...loaded.streamSettings.flat());
    for (const object of objects) expect(Object.isFrozen(object)).toBe(true);
  });
});

interface Given extends Partial<ConfigSources> {
  readonly files?: Readonly<Record<string, string>>;
}

function load({ files = {}, ...sources }: Given): LoadedConfig {
  const contents = new Map(Object.entries(files));
  return loadConfig({
    commandLine: {},
    env: {},
    cwd: "/site",
    readFile: (path) => {
      const text = contents.get(path);
      return text === undefined ? undefined : new TextEncoder().encode(text);
    },
    ...sources,
  });
}

function refusal(given: Given): ConfigError {
  try {
    load(given);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toBeInstanceOf(CodedError);
    return error as ConfigError;
  }
  throw new Error("expected a refusal");
}

function originOf(loaded: LoadedConfig, key: string): string {
  return formatOrigin(loaded.settings.find((setting) => setting.key === key)!.origin);
}
