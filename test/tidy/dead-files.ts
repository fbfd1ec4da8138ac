/** Nothing lies about: a file of src/ runs in production, or feeds a test. */

import { isTestFile, reachableFrom, sourcesIn } from "./source.ts";
import type { Rule } from "./tree.ts";

/** Whatever runs starts in one of these. */
const entries = ["src/index.ts", "src/server/main.ts", "src/server/shards/shard-thread-program.ts"];

/** Every source file is reached from an entry, whatever else imports it; every case table from a test or a fuzz target. */
export const noDeadFiles: Rule = (tree) => {
  const alive = reachableFrom(tree, entries);
  const tests = sourcesIn(tree, "src/", "test/", "fuzz/targets/").map((source) => source.path);
  const testing = reachableFrom(
    tree,
    tests.filter((path) => path.endsWith(".test.ts") || path.startsWith("fuzz/targets/")),
  );
  const dead = sourcesIn(tree, "src/").filter(({ path }) =>
    isTestFile(path) ? !testing.has(path) : !alive.has(path) && !path.endsWith(".d.ts"),
  );
  return dead.map(({ path }) => ({
    path,
    line: 1,
    message: isTestFile(path)
      ? "is a case table that no test and no fuzz target reads"
      : `is not reached from ${entries.join(" or ")} (imports from tests, benchmarks and fuzz targets do not count)`,
  }));
};
