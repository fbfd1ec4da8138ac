import { describe, expect, test } from "vitest";
import { CodedError } from "../../bytes/coded-error.ts";
import { type RepeatedError, RepeatedErrors } from "./repeated-errors.ts";

describe("repeated errors", () => {
  test("logs the first one at once, with its fields", () => {
    const { errors, lines } = setUp();
    errors.handle(new CodedError("ERR_A", "one"), { stream: "live/cam" }, 5000);
    expect(lines).toEqual([{ code: "ERR_A", message: "one", count: 1, fields: { stream: "live/cam" } }]);
    expect(errors.nextTimeout()).toBeUndefined();
  });

  test("counts the ones that follow, and logs one line a second with the newest message", () => {
    const { errors, lines } = setUp();
    for (let ms = 0; ms < 3000; ms++) {
      errors.handle(new CodedError("ERR_A", `at ${ms}`), { ms }, ms);
      errors.poll(ms);
    }
    expect(lines.map(({ message, count }) => [message, count])).toEqual([
      ["at 0", 1],
      ["at 1000", 1000],
      ["at 2000", 1000],
    ]);
    expect(errors.nextTimeout()).toBe(3000);
    errors.poll(3000);
    expect(lines.at(-1)).toEqual({ code: "ERR_A", message: "at 2999", count: 999, fields: { ms: 2999 } });
    errors.poll(9000);
    expect(lines).toHaveLength(4);
    expect([...errors.totals()]).toEqual([["ERR_A", 3000]]);
  });

  test("logs the last ones of a flood when nothing follows", () => {
    const { errors, lines } = setUp();
    for (const ms of [10, 20, 30]) errors.handle(new CodedError("ERR_A", "x"), {}, ms);
    expect(errors.nextTimeout()).toBe(1010);
    errors.poll(1009);
    expect(lines).toHaveLength(1);
    errors.poll(1010);
    expect(lines.map((line) => line.count)).toEqual([1, 2]);
  });

  test("keeps codes apart", () => {
    const { errors, lines } = setUp();
    for (const ms of [0, 1]) for (const code of ["ERR_A", "ERR_B"]) errors.handle(new CodedError(code, "x"), {}, ms);
    expect(lines.map((line) => line.code)).toEqual(["ERR_A", "ERR_B"]);
    errors.flush(2);
    expect(lines).toHaveLength(4);
    expect(errors.nextTimeout()).toBeUndefined();
  });

  test("stays bounded when codes are invented", () => {
    const { errors, lines } = setUp();
    for (let index = 0; index < 10_000; index++) errors.handle(new CodedError(`ERR_${index}`, "x"), {}, 0);
    expect(lines).toHaveLength(513);
    const totals = [...errors.totals()];
    expect(totals).toHaveLength(513);
    expect(totals.at(-1)).toEqual(["ERR_OTHER", 10_000 - 512]);
  });
});

function setUp(): { errors: RepeatedErrors; lines: RepeatedError[] } {
  const lines: RepeatedError[] = [];
  return { errors: new RepeatedErrors((line) => lines.push(line)), lines };
}
