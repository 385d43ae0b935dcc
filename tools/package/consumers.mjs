/** Programs that strict TypeScript compiles against the installed package, its declarations checked as well. */
import fs from "node:fs";
import path from "node:path";
import { binary, collect, ROOT } from "../project.mjs";

const EVERYTHING = "every-export.ts";
const CLIENT = "client-and-standalone.ts";
const STANDALONE = "standalone-exports.ts";

/**
 * How others compile. raft and bolt stand alone; the client names AbortSignal and AsyncDisposable, which the types of
 * Node.js have, or those of browsers with a library of TypeScript's; members need the types of Node.js.
 * @type {{ module: string, moduleResolution: string, types: string[], lib: string[], file: string }[]}
 */
const WAYS = ["node16", "nodenext", "bundler"].flatMap((moduleResolution) => {
  const module = moduleResolution === "bundler" ? "esnext" : moduleResolution;
  return [
    { types: ["node"], lib: ["es2022"], file: EVERYTHING },
    { types: [], lib: ["es2022", "dom", "esnext.disposable"], file: CLIENT },
    { types: [], lib: ["es2022"], file: STANDALONE },
  ].map((way) => ({ module, moduleResolution, ...way }));
});

/** What the compiler says of them in `project`, where the package is installed. @returns {Promise<string[]>} */
export async function compileConsumers(/** @type {string} */ project) {
  for (const file of [EVERYTHING, CLIENT, STANDALONE]) {
    fs.copyFileSync(path.join(import.meta.dirname, "consumer", file), path.join(project, file));
  }
  const findings = [];
  for (const [at, { file, ...options }] of WAYS.entries()) {
    const compilerOptions = {
      ...options,
      target: "es2022",
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
      typeRoots: [path.join(ROOT, "node_modules", "@types")],
    };
    const config = path.join(project, `tsconfig.${at}.json`);
    fs.writeFileSync(config, JSON.stringify({ compilerOptions, files: [file] }));
    const { code, output } = await collect(binary("tsc"), ["-p", config], project);
    if (code !== 0) findings.push(`${file} with ${JSON.stringify(options)}\n${output.trimEnd()}`);
  }
  return findings;
}
