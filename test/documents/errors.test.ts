/** docs/errors.md is what the table of errors says, and every one of them is there. */
import * as fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { GrpcCode } from "../../src/errors/codes.ts";
import { Errors } from "../../src/errors/table.ts";
import { cell, docstringsOf } from "./docstrings.ts";

const SOURCE = path.join(import.meta.dirname, "..", "..", "src");

/** Folders whose code answers clients. */
const SERVER_FOLDERS = [
  ...["mvcc", "lease", "membership", "concurrency", "apply", "member", "api", "server"],
];

const TABLE = path.join(SOURCE, "errors", "table.ts");
const WHEN = docstringsOf(TABLE, /^ {2}(\w+): new EtcdError/);
const SENT = sentErrors();

function sentErrors(): Set<string> {
  const sent = new Set<string>();
  for (const folder of SERVER_FOLDERS) {
    for (const file of fs.readdirSync(path.join(SOURCE, folder), { recursive: true })) {
      if (!/(?<!\.test)\.ts$/.test(String(file))) continue;
      const text = fs.readFileSync(path.join(SOURCE, folder, String(file)), "utf8");
      for (const [, name] of text.matchAll(/\bErrors\.(\w+)/g)) sent.add(name);
    }
  }
  return sent;
}

function rows(isSent: boolean): string {
  const names = Object.entries(GrpcCode);
  return Object.entries(Errors)
    .filter(([name]) => SENT.has(name) === isSent)
    .map(([name, { code, message }]) => {
      const [codeName] = names.find(([, number]) => number === code) ?? [""];
      return `| ${name} | ${codeName} (${code}) | \`${message}\` | ${cell(WHEN.get(name) ?? "")} |`;
    })
    .join("\n");
}

const HEADING = "| name | gRPC code | text | when |\n|---|---|---|---|";

/** docs/errors.md, from the table of errors. */
function errorsDocument(): string {
  return `<!-- Written by \`npx vitest run test/documents -u\` from src/errors/table.ts. -->
# Errors

What a client is answered when a call does not succeed: code and text are etcd's, byte for byte, and programs compare both. The
names are this repository's.

${HEADING}
${rows(true)}

## Known, and sent by no call that is served

They belong to what [compatibility.md](compatibility.md) lists as missing; the client library knows them.

${HEADING}
${rows(false)}
`;
}

test("docs/errors.md lists every error", async () => {
  await expect(errorsDocument()).toMatchFileSnapshot("../../docs/errors.md");
});

test("every error says when it is sent, and no two say the same text", () => {
  expect([...WHEN.keys()].sort()).toEqual(Object.keys(Errors).sort());
  expect([...WHEN].filter(([, text]) => text === "").map(([name]) => name)).toEqual([]);
  const texts = Object.values(Errors).map(({ message }) => message);
  expect(new Set(texts).size).toBe(texts.length);
});
