/** A value of a configuration file, as YAML 1.1 reads it, with the line on which it stands. */

export type FileNode = FileScalar | FileArray | FileObject;

export type FileScalar =
  | { readonly kind: "null"; readonly line: number }
  | { readonly kind: "bool"; readonly line: number; readonly value: boolean }
  /** `text` is the number as JSON writes it. */
  | { readonly kind: "number"; readonly line: number; readonly text: string }
  | { readonly kind: "string"; readonly line: number; readonly value: string };

export interface FileArray {
  readonly kind: "array";
  readonly line: number;
  readonly items: readonly FileNode[];
}

export interface FileObject {
  readonly kind: "object";
  readonly line: number;
  /** By name; of a name that stands twice, the last. */
  readonly entries: ReadonlyMap<string, FileNode>;
}

/** A file that cannot be used: why in etcd's words, on which line if that is known, and what to do. */
export class ConfigFileError extends Error {
  /** From 1; 0 when it is the whole file. */
  readonly line: number;
  readonly advice: string | undefined;

  constructor(message: string, line: number, advice?: string) {
    super(message);
    this.name = "ConfigFileError";
    this.line = line;
    this.advice = advice;
  }
}
