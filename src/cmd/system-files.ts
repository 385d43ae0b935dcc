/** The files of the machine, for tools that work on them. */
import { sha1, sha256 } from "../platform/digest.ts";
import { SystemDisk } from "../platform/disk.ts";
import { lookUpHost } from "../platform/host-lookup.ts";
import type { FileTools } from "./file-tools.ts";

/** `warn` is told about what this machine cannot do as well as others. */
export function systemFiles(warn: (message: string) => void): FileTools {
  return { disk: new SystemDisk({ warn }), sha1, sha256, lookUpHost };
}
