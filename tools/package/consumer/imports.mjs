/** Everything that the package exports can be imported, also by `require`, and gives the same there. */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { exports } = require("etcd-ts/package.json");

for (const entry of Object.keys(exports)) {
  const name = entry.replace(/^\./, "etcd-ts");
  if (entry.endsWith(".json")) continue;
  const names = Object.keys(await import(name));
  if (names.length === 0) throw new Error(`${name} exports nothing`);
  if (names.some((key) => require(name)[key] === undefined)) throw new Error(`${name}: require`);
}
