import { describe, expect, test } from "vitest";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_CONFIG_VALUE } from "./errors.ts";
import { durationCases, sizeCases } from "./units.cases.ts";
import { parseDurationMs, parseSizeBytes } from "./units.ts";

describe.each([
  ["durations", parseDurationMs, durationCases],
  ["sizes", parseSizeBytes, sizeCases],
] as const)("%s", (_, parse, cases) => {
  test.each(cases)("%j is %s", (text, expected) => {
    if (expected !== undefined) {
      expect(parse(text)).toBe(expected);
      return;
    }
    const failure = catchError(() => parse(text));
    expect(failure).toBeInstanceOf(CodedError);
    expect((failure as CodedError).code).toBe(ERR_CONFIG_VALUE);
  });
});

function catchError(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
