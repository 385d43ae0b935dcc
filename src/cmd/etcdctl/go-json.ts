/**
 * JSON objects as Go's encoding/json writes structs whose fields are marked "omitempty": in field order,
 * without fields that are zero; integers plain however large, bytes in base64.
 */
import { Buffer } from "node:buffer";
import { goJsonString } from "../../stdx/json.ts";

/** One object under construction. A method adds a member unless its value is the zero of its type. */
export class GoJsonObject {
  readonly #members: string[] = [];

  integer(name: string, value: number | bigint): this {
    return this.raw(name, Number(value) === 0 ? undefined : value.toString());
  }

  /** An integer that is written also when it is zero. */
  anyInteger(name: string, value: number | bigint): this {
    return this.raw(name, value.toString());
  }

  flag(name: string, value: boolean): this {
    return this.raw(name, value ? "true" : undefined);
  }

  text(name: string, value: string): this {
    return this.raw(name, value === "" ? undefined : goJsonString(value));
  }

  bytes(name: string, value: Uint8Array): this {
    return this.raw(name, value.length === 0 ? undefined : bytesJson(value));
  }

  texts(name: string, values: readonly string[]): this {
    return this.list(name, values.map(goJsonString));
  }

  /** `items` are JSON themselves. */
  list(name: string, items: readonly string[]): this {
    return this.raw(name, items.length === 0 ? undefined : `[${items.join(",")}]`);
  }

  /** `json` as it is; `undefined` adds nothing. */
  raw(name: string, json: string | undefined): this {
    if (json !== undefined) this.#members.push(`"${name}":${json}`);
    return this;
  }

  toString(): string {
    return `{${this.#members.join(",")}}`;
  }
}

/** Bytes as a JSON string, in base64. */
export function bytesJson(bytes: Uint8Array): string {
  return `"${base64(bytes)}"`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}
