/**
 * What a plain word of a YAML 1.1 document means, as the YAML reader of etcd decides it: null, a truth
 * value, a number or a text.
 *
 * Source: gopkg.in/yaml.v2 (resolve.go), through sigs.k8s.io/yaml; Go encoding/json (numbers).
 */
import { GoNumberError, parseGoInt64, parseGoUint64 } from "../../stdx/go-number.ts";
import type { FileScalar } from "./file-node.ts";

const TRUE: ReadonlySet<string> = new Set(
  ["y", "yes", "true", "on"].flatMap((word) => spellings(word)),
);
const FALSE: ReadonlySet<string> = new Set(
  ["n", "no", "false", "off"].flatMap((word) => spellings(word)),
);
const NULL: ReadonlySet<string> = new Set(["", "~", "null", "Null", "NULL"]);
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const BINARY = /^-?0b[01]{1,63}$/;
const NUMBER_START = /^[-+.0-9]/;

/** `word`, `Word` and `WORD`. */
function spellings(word: string): string[] {
  return [word, word[0].toUpperCase() + word.slice(1), word.toUpperCase()];
}

/** The meaning of `text`, which stands without quotes on `line`. */
export function plainScalar(text: string, line: number): FileScalar {
  if (NULL.has(text)) return { kind: "null", line };
  if (TRUE.has(text)) return { kind: "bool", line, value: true };
  if (FALSE.has(text)) return { kind: "bool", line, value: false };
  const number = NUMBER_START.test(text) ? numberText(text) : undefined;
  if (number !== undefined) return { kind: "number", line, text: number };
  return { kind: "string", line, value: text };
}

function numberText(text: string): string | undefined {
  const plain = text.replaceAll("_", "");
  if (!text.startsWith(".")) {
    const signed = parseGoInt64(plain, 0);
    if (!(signed instanceof GoNumberError)) return signed.toString();
    const unsigned = parseGoUint64(plain, 0);
    if (!(unsigned instanceof GoNumberError)) return unsigned.toString();
    if (BINARY.test(plain)) return BigInt(plain.replace("-", "")).toString();
  }
  if (!FLOAT.test(plain)) return undefined;
  const value = Number(plain);
  return Number.isFinite(value) ? jsonNumber(value) : undefined;
}

/** `value` as Go's JSON writes it. */
function jsonNumber(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-6 || size >= 1e21)) return value.toExponential();
  return String(value);
}
