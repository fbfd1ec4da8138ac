import type { ViteUserConfig } from "vitest/config";

/** Three projects, so that `npm test` can run the cheap ones first: unit beside the files, then peers, then the browser. */
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
          testTimeout: 90_000,
          hookTimeout: 60_000,
          fileParallelism: false,
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
