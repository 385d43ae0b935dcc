/**
 * Mistakes in the YAML of a configuration file, in the words of etcd's reader, with its way to count lines:
 * its scanner counts from one, its parser from zero, and the first line is not told.
 *
 * Source: gopkg.in/yaml.v2 (yaml_parser_set_scanner_error and the like, parser.fail).
 */
import type { LineCounter, YAMLError } from "yaml";
import { ConfigFileError } from "../../server/config-file/file-node.ts";

/** How etcd begins what it says of a file that is not YAML. */
export const PREFIX = "error converting YAML to JSON: yaml: ";

interface Mistake {
  /** What `yaml` says. */
  readonly pattern: RegExp;
  readonly text: string;
  /** Added to the line on which `yaml` found it: 0 for the scanner, -1 for the parser. */
  readonly lineOffset: number;
  readonly advice: string;
}

const SPACES = "indent with spaces, and keys of one part by equally many";
const QUOTES = "put the value in quotes";

const MISTAKES: readonly Mistake[] = [
  {
    pattern: /^Missing closing/,
    text: "found unexpected end of stream",
    lineOffset: 0,
    advice: "close the quotes",
  },
  {
    pattern: /end with a \]|^Expected flow sequence to end with|Missing , between flow seq/,
    text: "did not find expected ',' or ']'",
    lineOffset: -1,
    advice: "close the list with ]",
  },
  {
    pattern: /end with a \}|^Expected flow map to end with|Missing , (?:or : )?between flow map/,
    text: "did not find expected ',' or '}'",
    lineOffset: -1,
    advice: "close the part with }",
  },
  {
    pattern: /^Implicit map keys need to be followed by map values/,
    text: "could not find expected ':'",
    lineOffset: 1,
    advice: "write `key: value`",
  },
  {
    pattern: /^(?:Nested mappings are not allowed|Implicit keys need to be on a single line)/,
    text: "mapping values are not allowed in this context",
    lineOffset: 0,
    advice: "put a value that contains a colon and a space in quotes, and mind the indentation",
  },
  {
    pattern: /^Unexpected block-seq-ind/,
    text: "block sequence entries are not allowed in this context",
    lineOffset: 0,
    advice: "write the entries of a list on lines of their own",
  },
  {
    pattern: /^(?:Tabs are not allowed|Plain value cannot start)/,
    text: "found character that cannot start any token",
    lineOffset: 0,
    advice: `${QUOTES}, and ${SPACES}`,
  },
  {
    pattern: /^Invalid escape sequence/,
    text: "found unknown escape character",
    lineOffset: 0,
    advice: "use single quotes",
  },
  {
    pattern: /^(?:Unexpected|All mapping items must start at the same column)/,
    text: "did not find expected key",
    lineOffset: -1,
    advice: SPACES,
  },
];

/** What etcd would say of `error` in `text`; `inList` when the whole document is a list. */
export function syntaxError(
  error: YAMLError,
  text: string,
  lines: LineCounter,
  inList: boolean,
): ConfigFileError {
  const [start] = error.pos;
  // A mapping in a place where none may be is found at its colon.
  const colon = error.code === "BLOCK_AS_IMPLICIT_KEY" ? text.slice(start).search(/:\s/) : 0;
  const { line } = lines.linePos(start + Math.max(colon, 0));
  const known = MISTAKES.find(({ pattern }) => pattern.test(error.message));
  if (known === undefined) {
    const advice = "mend the YAML on this line or the one before it";
    return new ConfigFileError(`${PREFIX}line ${line}: ${error.message}`, line, advice);
  }
  const said = textOf(known, { inList, afterComma: text.slice(0, start).trimEnd().endsWith(",") });
  const shown = line === 1 && known.lineOffset <= 0 ? 0 : line + known.lineOffset;
  const where = shown === 0 ? "" : `line ${shown}: `;
  return new ConfigFileError(`${PREFIX}${where}${said}`, line, known.advice);
}

/** What is said depends on where in the document it is found. */
function textOf(
  { text }: Mistake,
  { inList, afterComma }: { readonly inList: boolean; readonly afterComma: boolean },
): string {
  if (inList && text === "did not find expected key") return "did not find expected '-' indicator";
  const isCut = afterComma && text.startsWith("did not find expected ','");
  return isCut ? "did not find expected node content" : text;
}
