import { ETCD_API_VERSION, ETCD_VERSION } from "../../server/version.ts";
import type { ToolVersion } from "../usage.ts";

/** The etcd whose commands, flags and texts this tool has. */
export const ETCDCTL_VERSION: ToolVersion = { version: ETCD_VERSION, apiVersion: ETCD_API_VERSION };
