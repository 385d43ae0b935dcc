/**
 * The real etcd for tests. A file that needs it says
 *
 *   describe.skipIf(REFERENCE === undefined)("…", () => { … });
 *
 * and `npm test` reports at the end when nothing was found.
 */
import { findReference } from "../../tools/reference.mjs";

/** The folder with etcd, etcdctl and etcdutl, or undefined. */
export const REFERENCE: string | undefined = findReference();
