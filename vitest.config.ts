import type { ViteUserConfig } from "vitest/config";

/** Tests that measure times or CPU: nothing else runs beside them. */
const alone = ["join", "bench", "shards", "hostile-descriptors", "hostile-rtmp"].map(
  (name) => `test/interop/${name}.test.ts`,
);

/** Projects, so that `npm test` can run the cheap ones first: unit beside the files, then peers, then the browser. */
const config: ViteUserConfig = {
  test: {
    projects: [
      {
        test: { name: "unit", include: ["{src,fuzz,scripts,web}/**/*.test.ts", "test/*.test.ts"], testTimeout: 20_000 },
      },
      {
        test: {
          name: "interop",
          include: ["test/interop/**/*.test.ts"],
          exclude: alone,
          testTimeout: 90_000,
          hookTimeout: 60_000,
          // They mostly wait, for media in real time and for deadlines.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "interop-alone",
          include: alone,
          testTimeout: 90_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 90_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
};

export default config;
