import { ETCD_API_VERSION, ETCD_VERSION } from "../../server/version.ts";
import type { UtlSession } from "./session.ts";

/** Prints the versions. */
export function runVersion({ io }: UtlSession): void {
  io.out(`etcdutl version: ${ETCD_VERSION}\nAPI version: ${ETCD_API_VERSION}\n`);
}
