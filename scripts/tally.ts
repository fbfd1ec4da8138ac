/** Counting what passed: a test that was skipped, or a stage without tests, has not passed. */

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** What was counted as failed, and why. Said again at the very end: of a long log often only the end is kept. */
  readonly remarks: readonly string[];
}

/** The part of vitest's JSON report that is read here. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/** `report` is undefined when vitest died before it wrote one. */
export function tallyOfVitest(report: VitestReport | undefined, exitCode: number): Tally {
  let passed = 0;
  let failed = 0;
  const remarks: string[] = [];
  const fail = (remark: string): void => {
    failed++;
    remarks.push(remark);
  };
  for (const file of report?.testResults ?? []) {
    let failedInFile = 0;
    for (const { fullName, status, failureMessages } of file.assertionResults) {
      if (status === "passed") passed++;
      else if (status === "failed") {
        failedInFile++;
        remarks.push(`failed: ${fullName}${beginningOf(failureMessages?.[0])}`);
      } else fail(`${status}, which counts as failed: ${fullName}`);
    }
    failed += failedInFile;
    if (file.assertionResults.length === 0) fail(`no tests in ${file.name}${file.message ? `: ${file.message}` : ""}`);
    else if (file.status === "failed" && failedInFile === 0) fail(`failed outside of its tests: ${file.name}`);
  }
  if (passed + failed === 0) fail("there are no tests in this stage");
  if (exitCode !== 0 && failed === 0) fail(`every test passed, but vitest ended with code ${exitCode}`);
  return { passed, failed, remarks };
}

/** One count each for things that passed or did not. */
export function tallyOfParts(parts: readonly { readonly name: string; readonly isFailed: boolean }[]): Tally {
  if (parts.length === 0) return { passed: 0, failed: 1, remarks: ["there is nothing in this stage"] };
  const failed = parts.filter(({ isFailed }) => isFailed);
  return {
    passed: parts.length - failed.length,
    failed: failed.length,
    remarks: failed.map(({ name }) => `failed: ${name}`),
  };
}

function beginningOf(message = ""): string {
  if (message === "") return "";
  return message
    .split("\n", maxMessageLines)
    .map((line) => `\n    ${line}`)
    .join("");
}

const maxMessageLines = 12;
