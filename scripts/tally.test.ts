import { expect, it } from "vitest";
import { tallyOfParts, tallyOfVitest, type VitestReport } from "./tally.ts";

it("counts what passed and what failed, and says what failed with the beginning of its message", () => {
  const tally = tallyOfVitest(report("passed", "failed", "passed"), 1);
  expect(tally).toEqual({ passed: 2, failed: 1, remarks: ["failed: test 1\n    expected 1\n    to be 2"] });
});

it.each(["pending", "skipped", "todo", "disabled"])("counts a test that is %s as failed, and names it", (status) => {
  const tally = tallyOfVitest(report("passed", status), 0);
  expect(tally).toMatchObject({ passed: 1, failed: 1, remarks: [expect.stringContaining("test 1")] });
});

it("counts a file without tests, which may have failed to load, as failed", () => {
  const testResults = [{ name: "a.test.ts", status: "failed", message: "no such module", assertionResults: [] }];
  expect(tallyOfVitest({ testResults }, 1)).toMatchObject({
    failed: 1,
    remarks: ["no tests in a.test.ts: no such module"],
  });
});

it("counts a file that failed outside of its tests as failed", () => {
  expect(tallyOfVitest(report("passed"), 1)).toMatchObject({ passed: 1, failed: 1 });
  const [file] = report("passed").testResults;
  expect(tallyOfVitest({ testResults: [{ ...file!, status: "failed" }] }, 1)).toMatchObject({ passed: 1, failed: 1 });
});

it("fails a stage without tests, and one that left no report", () => {
  expect(tallyOfVitest({ testResults: [] }, 0)).toMatchObject({ passed: 0, failed: 1 });
  expect(tallyOfVitest(undefined, 0)).toMatchObject({ passed: 0, failed: 1 });
  expect(tallyOfParts([])).toMatchObject({ passed: 0, failed: 1 });
});

it("counts parts", () => {
  const parts = [
    { name: "types", isFailed: false },
    { name: "lint", isFailed: true },
  ];
  expect(tallyOfParts(parts)).toEqual({ passed: 1, failed: 1, remarks: ["failed: lint"] });
});

function report(...statuses: string[]): VitestReport {
  const assertionResults = statuses.map((status, index) => ({
    fullName: `test ${index}`,
    status,
    failureMessages: status === "failed" ? ["expected 1\nto be 2"] : [],
  }));
  const status = statuses.includes("failed") ? "failed" : "passed";
  return { testResults: [{ name: "a.test.ts", status, assertionResults }] };
}
