/** What `etcd --version` prints. */
import { ETCD_VERSION, PROJECT_VERSION } from "../server/version.ts";

/** The runtime: its version, operating system and processor as Node.js names them. */
export interface Runtime {
  readonly version: string;
  readonly platform: string;
  readonly arch: string;
}

/** The processors of Node.js by the names that Go has for them, where they differ. */
const GO_ARCH: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };

export function versionText(runtime: Runtime): string {
  return [
    `etcd Version: ${ETCD_VERSION}`,
    `Git SHA: Not provided (etcd-ts ${PROJECT_VERSION})`,
    `Go Version: none (Node.js ${runtime.version})`,
    `Go OS/Arch: ${runtime.platform}/${GO_ARCH[runtime.arch] ?? runtime.arch}`,
    "",
  ].join("\n");
}
