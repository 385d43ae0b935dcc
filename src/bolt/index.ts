/** Bolt files over any `Disk`. `src/node-bolt/` makes them a public entry of the package. */
export type { Bucket } from "./bucket.ts";
export { check } from "./check.ts";
export type { Cursor } from "./cursor.ts";
export { Db } from "./db.ts";
export type { DbOptions, DbStats, ReadPoint } from "./db.ts";
export { BoltError, CorruptionError } from "./errors.ts";
export type { BoltErrorCode } from "./errors.ts";
export { LentMemory } from "./lent-pages.ts";
export type { Tx } from "./tx.ts";
