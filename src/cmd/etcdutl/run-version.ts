import { ETCD_VERSION } from "../../server/version.ts";
import type { UtlSession } from "./session.ts";

const API_VERSION = "3.5";

/** Prints the versions. */
export function runVersion({ io }: UtlSession): void {
  io.out(`etcdutl version: ${ETCD_VERSION}\nAPI version: ${API_VERSION}\n`);
}
