/** Reads a configuration file from the disk. Loaded only when there is one. */
import * as fs from "node:fs";
import { ConfigFileError, type FileNode } from "../../server/config-file/file-node.ts";
import { CONFIG_FILE_BYTES_MAX } from "./limits.ts";
import { PREFIX } from "./syntax-error.ts";
import { parseConfigText } from "./yaml-document.ts";

/** What the system calls these conditions, as Go prints them. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "no such file or directory"],
  ["EACCES", "permission denied"],
  ["ENOTDIR", "not a directory"],
  ["ELOOP", "too many levels of symbolic links"],
]);

/** The tree of the file at `path`, or why there is none. */
export function readConfigFile(path: string): FileNode | ConfigFileError {
  try {
    return parseConfigText(textOf(path));
  } catch (error) {
    if (error instanceof ConfigFileError) return error;
    throw error;
  }
}

function textOf(path: string): string {
  const bytes = bytesOf(path);
  if (bytes.length > CONFIG_FILE_BYTES_MAX) {
    throw new ConfigFileError(
      `${path} is larger than a configuration file can be: ${bytes.length} bytes`,
      0,
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // The decoder tells no more than that the bytes are not UTF-8.
    throw new ConfigFileError(`${PREFIX}invalid leading UTF-8 octet`, 0, "save the file as UTF-8");
  }
}

/** One byte more than may be read, at most. */
function bytesOf(path: string): Uint8Array {
  let file: number;
  try {
    file = fs.openSync(path, "r");
  } catch (error) {
    throw new ConfigFileError(`open ${path}: ${reasonOf(error)}`, 0);
  }
  try {
    if (fs.fstatSync(file).isDirectory()) {
      throw new ConfigFileError(`read ${path}: is a directory`, 0);
    }
    const bytes = Buffer.alloc(CONFIG_FILE_BYTES_MAX + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = fs.readSync(file, bytes, length, bytes.length - length, null);
    }
    return bytes.subarray(0, length);
  } finally {
    fs.closeSync(file);
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return REASONS.get(code) ?? String(error);
}
