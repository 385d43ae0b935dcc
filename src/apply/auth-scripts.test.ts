/** Runs the scripts of testdata/auth: entries on users and roles, and what applying them answers. */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createAuthScript } from "../../test/harness/auth-script.ts";
import { runScript } from "../../test/harness/datadriven.ts";

const folder = join(dirname(fileURLToPath(import.meta.url)), "testdata", "auth");

test.each(readdirSync(folder))("%s prints what it says", (name) => {
  const { expected, actual } = runScript(join(folder, name), createAuthScript(), true);
  expect(actual).toBe(expected);
});
