/**
 * The types of the client library as a consumer gets them: no `any` in any declaration that its entry reaches, and a
 * program that compiles under the strictest options, declarations included, with the types that it expects.
 */
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, "..", "..");

/** The declarations that an entry reaches, without their comments, by path. */
function declarations(entry: string, found = new Map<string, string>()): Map<string, string> {
  if (found.has(entry)) return found;
  const text = fs.readFileSync(entry, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
  found.set(entry, text);
  for (const [, target] of text.matchAll(/(?:from |import\()"(\.[^"]+)"/g)) {
    const file = target.replace(/\.[jt]s$/, ".d.ts");
    declarations(path.join(path.dirname(entry), file), found);
  }
  return found;
}

test("no declaration that the entry reaches has an any", () => {
  const all = declarations(path.join(ROOT, "dist", "node-client", "index.d.ts"));
  expect(all.size).toBeGreaterThan(30);
  const loose = [...all].filter(([, text]) => /\bany\b/.test(text)).map(([file]) => file);
  expect(loose).toEqual([]);
});

/** Before a line that the compiler must refuse. */
const REFUSED = ["@ts", "expect", "error"].join("-");

const PROGRAM = `
import {
  type BranchResult, type CompactedEvent, compare, connect, type Entry, type KeyWatchOptions, op, type ProgressEvent,
  type PutResult, type RangeResult, UnknownOutcomeError, type WatchEvent,
} from "etcd-ts/client";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never;
declare function same<A, B>(is: Same<A, B>): void;

using client = await connect({ hosts: ["127.0.0.1:2379"], tls: {}, reconnect: { firstMs: 100 } });
const txn = await client
  .txn()
  .if(compare.missing("a"))
  .then(op.put("a", "1"), op.range({ prefix: "a" }))
  .else(op.get("a"), op.txn([compare.exists("b")], [op.count("b")]))
  .commit();
if (txn.succeeded) same<typeof txn.results, readonly [PutResult, RangeResult]>(true);
else {
  const [entry, nested] = txn.results;
  same<typeof entry, Entry | undefined>(true);
  if (nested.succeeded) same<(typeof nested.results)[0], number>(true);
  else same<typeof nested.results, readonly []>(true);
}
// ${REFUSED} there is no third operation
if (txn.succeeded) txn.results[2];

for await (const event of await client.watch("a")) same<typeof event, WatchEvent>(true);
for await (const event of await client.watch("a", { previous: true, startRevision: 5 })) {
  same<typeof event, WatchEvent>(true);
}
for await (const event of await client.watch("a", { onCompacted: "restart" })) {
  same<typeof event, WatchEvent | CompactedEvent>(true);
}
for await (const event of await client.watch("a", { progress: true, onCompacted: "fail" })) {
  same<typeof event, WatchEvent | ProgressEvent>(true);
}
const options: KeyWatchOptions = {};
for await (const event of await client.watch("a", options)) {
  same<typeof event, WatchEvent | CompactedEvent | ProgressEvent>(true);
}
const { value } = await client.stm(async (tx) => Number(await tx.get("n")));
same<typeof value, number>(true);
same<Awaited<ReturnType<typeof client.tryLock>> extends infer L ? undefined extends L ? true : false : never, true>(true);
const { entries } = await client.kv.range({ prefix: "a" });
same<(typeof entries)[number], Entry>(true);
const first: Entry | undefined = entries[0];
const failed: unknown = await client.kv.put("a", first?.value ?? "").catch((error: unknown) => error);
if (failed instanceof UnknownOutcomeError) same<typeof failed.code extends number ? true : false, true>(true);
await using lease = await client.lease({ ttlSeconds: 5 });
await using lock = await client.lock("job", { lease, signal: AbortSignal.timeout(1000) });
export const nested: BranchResult<[], []> = { succeeded: lock.revision > 0, results: [] };
// ${REFUSED} a transaction is carried out by commit
await client.txn();
`;

test("a strict program compiles, with the types of its results", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-client-types-"));
  try {
    const modules = path.join(folder, "node_modules");
    fs.mkdirSync(modules);
    fs.symlinkSync(ROOT, path.join(modules, "etcd-ts"));
    fs.symlinkSync(path.join(ROOT, "node_modules", "@types"), path.join(modules, "@types"));
    fs.writeFileSync(path.join(folder, "package.json"), '{"type":"module"}');
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noPropertyAccessFromIndexSignature: true,
      skipLibCheck: false,
      noEmit: true,
      target: "ES2022",
      lib: ["ES2022"],
      module: "NodeNext",
      types: ["node"],
    };
    fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    fs.writeFileSync(path.join(folder, "program.ts"), PROGRAM);
    const tsc = path.join(ROOT, "node_modules", ".bin", "tsc");
    const failure = await run(tsc, ["-p", folder], { cwd: folder }).then(
      () => "",
      (error: { readonly stdout?: string }) => error.stdout ?? "the compiler did not run",
    );
    expect(failure).toBe("");
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
