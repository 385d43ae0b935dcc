/**
 * docs/client.md is one program: it is compiled as the page tells, with strict types, and run from a package of its
 * own against our server and the real one, and with a member in its own process, which it reaches without a socket;
 * what it prints must be what the page says.
 */
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { startEtcd } from "../harness/etcd-process.ts";

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, "..", "..");
const PAGE = fs.readFileSync(path.join(ROOT, "docs", "client.md"), "utf8");

function blocks(language: string): string {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm");
  return [...PAGE.matchAll(fence)].map((match) => match[1]).join("");
}

let folder: string;

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-client-page-"));
  const modules = path.join(folder, "node_modules");
  fs.mkdirSync(modules);
  fs.symlinkSync(ROOT, path.join(modules, "etcd-ts"));
  fs.symlinkSync(path.join(ROOT, "node_modules", "@types"), path.join(modules, "@types"));
  fs.writeFileSync(path.join(folder, "package.json"), '{"type":"module"}');
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    target: "ES2022",
    module: "NodeNext",
    types: ["node"],
  };
  fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  const program = blocks("ts").replaceAll("127.0.0.1:2379", "${process.env.ENDPOINT}");
  const quoted = program.replaceAll('"${process.env.ENDPOINT}"', "`${process.env.ENDPOINT}`");
  fs.writeFileSync(path.join(folder, "page.ts"), quoted);
  fs.writeFileSync(path.join(folder, "embedded.ts"), withinOneProcess(quoted));
  const tsc = path.join(ROOT, "node_modules", ".bin", "tsc");
  await run(tsc, ["-p", folder], { cwd: folder }).catch((error: { stdout?: string }) => {
    throw new Error(`The program of the page is wrong:\n${error.stdout}`);
  });
}, 60_000);

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** The same program with a member of its own in place of a server; it listens, for what it asks by its addresses. */
function withinOneProcess(program: string): string {
  const opening = /^const client = await connect\(.*\);$/m;
  expect(program).toMatch(opening);
  return `import { startEtcd } from "etcd-ts";
    const listenClientUrls = "http://127.0.0.1:0";
    const etcd = await startEtcd({ temporary: true, bcryptCost: 4, listenClientUrls });
    ${program.replace(opening, "const client = await etcd.openClient();")}
    await etcd.stop();
  `;
}

test("the program of docs/client.md prints what the page says without a server", async () => {
  const page = path.join(folder, "embedded.js");
  const { stdout } = await run(process.execPath, [page], { timeout: 60_000 });
  expect(stdout).toBe(blocks("text"));
}, 120_000);

test.each(CLIENT_SERVERS)(
  "the program of docs/client.md prints what the page says with %s",
  async (_, start) => {
    const server = await startEtcd(start);
    try {
      const env = { PATH: process.env["PATH"], TMPDIR: folder, ENDPOINT: server.endpoint };
      const page = path.join(folder, "page.js");
      const { stdout } = await run(process.execPath, [page], { env, timeout: 60_000 });
      expect(stdout).toBe(blocks("text"));
    } finally {
      await server.remove();
    }
  },
  120_000,
);
