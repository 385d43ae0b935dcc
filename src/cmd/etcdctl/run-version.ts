import type { EtcdctlCall, Session } from "./session.ts";
import { ETCDCTL_VERSION } from "./version.ts";

/** Prints the versions; asks nobody. */
export function runVersion(session: Session, _call: EtcdctlCall): void {
  const { version, apiVersion } = ETCDCTL_VERSION;
  session.io.out(`etcdctl version: ${version}\nAPI version: ${apiVersion}\n`);
}
