import { expect, test } from "vitest";
import { FLAG_GROUPS } from "./flag.ts";
import { IGNORED_FLAGS, INERT_FLAGS } from "./inert-flags.ts";
import { REFUSED_FLAGS } from "./refused-flags.ts";
import { type FlagName, FLAGS } from "./table.ts";

/** docs/flags.md, from the tables of flags. */
function flagsDocument(): string {
  const groups = FLAG_GROUPS.map((heading) => {
    const rows = Object.entries(FLAGS)
      .filter(([, { group }]) => group === heading)
      .map(
        ([name, { shown, help }]) =>
          `| ${entry(name as FlagName)} | ${code(shown)} | ${help.join(" ")} |`,
      );
    return `### ${heading}\n\n| flag | default | |\n|---|---|---|\n${rows.join("\n")}\n`;
  });
  const unsupported = Object.entries(REFUSED_FLAGS)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { reason }]) => `| --${name} | ${reason} |`);
  const inert = Object.entries(INERT_FLAGS).map(([name, why]) => `| --${name} | ${why} |`);
  const ignored = IGNORED_FLAGS.map((name) => `\`--${name}\``).join(", ");
  return `<!-- Written by \`npx vitest run src/server -u\` from src/server/flags/. -->
# Flags

Each flag can be given in the environment instead: \`ETCD_\` and its name in upper case, with \`_\` for \`-\`. A variable whose flag
is given as well ends the program, as in etcd.

## All of them

${groups.join("\n")}
## Accepted with values that ask for nothing

Any other value ends the program at start. What such a value would ask for:

| flag | why it is refused |
|---|---|
${unsupported.join("\n")}

## Without effect

Every value that can be read is accepted.

| flag | why it changes nothing |
|---|---|
${inert.join("\n")}

## Ignored, as by etcd

${ignored}
`;
}

/** How it is given: on the command line, or in a file alone. */
function entry(name: FlagName): string {
  return FLAGS[name].isOnlyInFiles === true ? `${name} (in files alone)` : `--${name}`;
}

function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

test("docs/flags.md lists every flag", async () => {
  await expect(flagsDocument()).toMatchFileSnapshot("../../../docs/flags.md");
});
