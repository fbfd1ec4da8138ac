import { describe, expect, test } from "vitest";
import { CodedError } from "../../bytes/coded-error.ts";
import { createLogger, type LoggerOptions } from "./logger.ts";

const forged = 'a\r\n{"level":"fatal","msg":"forged"}\n\u001b[2J\u009b31m\u2028\u202e';

describe("JSON lines", () => {
  test("have time, level as a word, message and fields, and nothing of the process", () => {
    const [record] = records((log) =>
      log.info({ code: "ERR_X", stream: "live/cam", session: 7, address: "::1" }, "hello"),
    );
    expect(record).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      code: "ERR_X",
      stream: "live/cam",
      session: 7,
      address: "::1",
      msg: "hello",
    });
  });

  test("are not written below the level", () => {
    expect(records((log) => log.debug("no"))).toHaveLength(0);
    expect(records((log) => log.fatal("no"), { level: "silent" })).toHaveLength(0);
  });

  test("cannot be forged from inside a value (S-38)", () => {
    const output = written((log) => {
      log.info({ userAgent: forged, [forged]: forged }, forged);
      log.child({ session: forged }).warn({ err: new CodedError("ERR_X", forged) }, "x");
    });
    const lines = output.split("\n");
    expect(lines).toHaveLength(3);
    expect(lines.pop()).toBe("");
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(["info", "warn"]);
    expect(JSON.parse(lines[0]!).userAgent).toBe(forged);
    expect(output.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u2028]/u);
  });

  test("keep an error's code and message", () => {
    const [record] = records((log) => log.error(new CodedError("ERR_TRUNCATED", "expected 4 bytes")));
    expect(record).toMatchObject({
      err: { code: "ERR_TRUNCATED", message: "expected 4 bytes" },
      msg: "expected 4 bytes",
    });
  });
});

describe("pretty lines", () => {
  test("are one per event, with every control character made visible (S-38)", () => {
    const output = written((log) => log.info({ userAgent: forged }, forged), { format: "pretty" });
    expect(output.split("\n")).toHaveLength(2);
    expect(output).toContain('a\\r\\n{"level":"fatal","msg":"forged"}\\n\\u001b[2J\\u009b31m\\u2028\\u202e');
    expect(output.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
  });

  test("show a stack, in which no line begins where a record begins", () => {
    const output = written((log) => log.error({ err: new Error(forged) }, "x"), { format: "pretty" });
    const [first, ...rest] = output.trimEnd().split("\n");
    expect(first).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] ERROR: x/);
    expect(rest.join("\n")).toContain("logger.test.ts");
    for (const line of rest) expect(line).toMatch(/^ {2}/);
    expect(output.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });

  test.each([
    ["auto", true, true],
    ["auto", false, false],
    ["pretty", false, true],
    ["json", true, false],
  ] as const)("format %s with terminal %s: pretty %s", (format, isTerminal, isPretty) => {
    const output = written((log) => log.info("x"), { format, isTerminal });
    expect(output.startsWith("{")).toBe(!isPretty);
  });
});

describe("secrets", () => {
  test.each(["json", "pretty"] as const)("do not appear in %s lines", (format) => {
    const output = written(
      (log) => {
        log.info({ url: "rtmp://h/live/cam?token=swordfish&x=1" }, "from http://u:swordfish@h/?key=swordfish");
        log.info({ token: "swordfish", access: { publishToken: "swordfish", deep: { password: "swordfish" } } }, "x");
        log.child({ streamKey: "swordfish", peer: "?token=swordfish" }).info("x");
        log.error(new Error("no rtmp://h/live/cam?token=swordfish"));
      },
      { format },
    );
    expect(output).not.toContain("swordfish");
    expect(output).toContain("x=1");
    expect(output.match(/\*\*\*/g)!.length).toBeGreaterThanOrEqual(8);
  });
});

type Log = ReturnType<typeof createLogger>;

function written(use: (log: Log) => void, options: Partial<LoggerOptions> = {}): string {
  let output = "";
  const destination = {
    write: (line: string) => {
      output += line;
    },
  };
  use(createLogger({ level: "info", format: "json", isTerminal: false, hasColors: false, destination, ...options }));
  return output;
}

function records(use: (log: Log) => void, options: Partial<LoggerOptions> = {}): unknown[] {
  const lines = written(use, options).split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}
