/** A page of docs/ whose blocks are one program: it is compiled as a user's would be, and what it prints is on the page. */
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, "..", "..");

/** A folder with a program in it, whose dependency is this package. */
export interface PageProgram {
  /** What the page says that it prints. */
  readonly expected: string;
  /** Runs it in its folder; returns what it prints. Rejects when it fails. */
  run(env?: NodeJS.ProcessEnv): Promise<string>;
  remove(): void;
}

/**
 * Compiles the `ts` blocks of docs/`name`, with strict types and those packages of types that are named; `edit` changes
 * the program before. Rejects with what the compiler says.
 */
export async function compilePage(
  name: string,
  types: readonly string[],
  edit: (program: string) => string = (program) => program,
): Promise<PageProgram> {
  const page = fs.readFileSync(path.join(ROOT, "docs", name), "utf8");
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "page-program-"));
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
    lib: types.length === 0 ? ["ES2022", "DOM"] : ["ES2022"],
    types,
  };
  fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  fs.writeFileSync(path.join(folder, "page.ts"), edit(blocks(page, "ts")));
  const tsc = path.join(ROOT, "node_modules", ".bin", "tsc");
  await run(tsc, ["-p", folder], { cwd: folder }).catch((error: { stdout?: string }) => {
    throw new Error(`The program of docs/${name} is wrong:\n${error.stdout}`);
  });
  return {
    expected: blocks(page, "text"),
    run: async (env = {}) => {
      const options = {
        cwd: folder,
        env: { PATH: process.env["PATH"], TMPDIR: folder, ...env },
        timeout: 60_000,
      };
      const program = path.join(folder, "page.js");
      return (await run(process.execPath, [program], options)).stdout;
    },
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

function blocks(page: string, language: string): string {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm");
  return [...page.matchAll(fence)].map((match) => match[1]).join("");
}
