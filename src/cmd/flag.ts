/**
 * The command line of a server, read as Go's `flag` package reads it: `-x v`, `--x v`, `-x=v`; a flag that
 * is a truth value takes a value after "=" only; flags end at the first argument that is none, or at "--".
 * The refusals are Go's, word for word.
 *
 * Source: Go flag (FlagSet.Parse).
 */
import { goQuoteText } from "../stdx/go-url.ts";

export interface FlagTarget {
  /** Whether the flag alone means true. */
  readonly isBool: boolean;
  /** Takes the value, or returns why not. */
  readonly set: (text: string) => string | undefined;
}

export type FlagParse =
  | {
      readonly kind: "parsed";
      /** Names of the flags that were given. */
      readonly given: ReadonlySet<string>;
      /** Arguments after the flags. */
      readonly rest: readonly string[];
    }
  | { readonly kind: "help" }
  | { readonly kind: "refused"; readonly message: string };

/** Reads `args` until the first refusal; values go to the targets in the order in which they stand. */
export function parseFlags(
  args: readonly string[],
  lookUp: (name: string) => FlagTarget | undefined,
): FlagParse {
  const given = new Set<string>();
  let at = 0;
  while (at < args.length) {
    const argument = args[at];
    if (argument.length < 2 || !argument.startsWith("-")) break;
    at++;
    if (argument === "--") break;
    const body = argument.slice(argument.startsWith("--") ? 2 : 1);
    if (body === "" || body.startsWith("-") || body.startsWith("=")) {
      return { kind: "refused", message: `bad flag syntax: ${argument}` };
    }
    const equals = body.indexOf("=");
    const name = equals < 0 ? body : body.slice(0, equals);
    let value = equals < 0 ? undefined : body.slice(equals + 1);
    const target = lookUp(name);
    if (target === undefined) {
      if (name === "help" || name === "h") return { kind: "help" };
      return { kind: "refused", message: `flag provided but not defined: -${name}` };
    }
    if (value === undefined && target.isBool) value = "true";
    if (value === undefined) {
      if (at === args.length) {
        return { kind: "refused", message: `flag needs an argument: -${name}` };
      }
      value = args[at++];
    }
    const refusal = target.set(value);
    if (refusal !== undefined) {
      const what = target.isBool
        ? `invalid boolean value ${goQuoteText(value)} for`
        : `invalid value ${goQuoteText(value)} for flag`;
      return { kind: "refused", message: `${what} -${name}: ${refusal}` };
    }
    given.add(name);
  }
  return { kind: "parsed", given, rest: args.slice(at) };
}
