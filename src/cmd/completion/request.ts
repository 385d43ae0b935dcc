/**
 * Whether a command line asks what could follow another one: shells send such lines while somebody types.
 *
 * Source: spf13/cobra 1.8 (completions.go).
 */
const REQUEST = "__complete";
const REQUEST_WITHOUT_DESCRIPTIONS = "__completeNoDesc";

/** What a shell asks. */
export interface CompletionRequest {
  /** The words typed so far behind the name of the tool; the last one, maybe empty, is to be completed. */
  readonly words: readonly string[];
  readonly withDescriptions: boolean;
}

/** The request that `args` are; `undefined` where they are a command to run. */
export function completionRequest(args: readonly string[]): CompletionRequest | undefined {
  const [name, ...words] = args;
  if (name !== REQUEST && name !== REQUEST_WITHOUT_DESCRIPTIONS) return undefined;
  return { words, withDescriptions: name === REQUEST };
}
