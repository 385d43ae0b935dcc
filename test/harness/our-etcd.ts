/** Our server and our tools as they are installed, for tests that run them as processes of their own. */
import path from "node:path";

const DIST = path.join(import.meta.dirname, "..", "..", "dist", "bin");

/** The words that start our etcd; flags come behind them. */
export const OUR_ETCD: readonly string[] = [process.execPath, path.join(DIST, "etcd.cjs")];

/** The words that start our etcdctl. */
export const OUR_ETCDCTL: readonly string[] = [process.execPath, path.join(DIST, "etcdctl.cjs")];

/** The words that start our etcdutl. */
export const OUR_ETCDUTL: readonly string[] = [process.execPath, path.join(DIST, "etcdutl.cjs")];
