import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "src/**/*.test.ts",
      "sim/**/*.test.ts",
      "test/**/*.test.ts",
      "tools/**/*.test.ts",
      "bench/**/*.test.ts",
    ],
    globalSetup: ["test/harness/build-programs.ts"],
    setupFiles: ["test/harness/property-seed.ts"],
    // A test that needs longer is a program of its own (sim, bench) or says so itself.
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Nothing is mocked, so nothing needs a fresh module graph per file beyond the process of its own.
    pool: "forks",
  },
});
