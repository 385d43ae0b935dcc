/**
 * The tree of commands of a tool: finding the command that a command line names, its flags, and the answers
 * to a wrong one.
 *
 * A command line is searched before flags are parsed: words that are not flags and not values of flags name
 * the path, each as a full name or an unambiguous beginning of one. What remains goes to the command.
 *
 * All texts are byte strings (one character per byte).
 *
 * Source: spf13/cobra 1.8 (Command.Find, execute, SuggestionsFor) with EnablePrefixMatching.
 */
import { goQuote } from "../stdx/go-quote.ts";
import { FlagError, FlagSet } from "./pflag.ts";

/** What a command is; `C` is what its `run` gets besides flags and arguments. */
export interface CommandSpec<C> {
  /** Name and arguments, as the usage line shows them. The first word is the name. */
  readonly use: string;
  readonly short: string;
  readonly long?: string;
  readonly flags?: FlagSet;
  /** Flags of this command and of all commands below it. */
  readonly persistentFlags?: FlagSet;
  readonly commands?: readonly CommandSpec<C>[];
  /** Flags without which the command does not run. */
  readonly requiredFlags?: readonly string[];
  /** What to use instead. The command still runs, but no page lists it. */
  readonly deprecated?: string;
  /** Whether the usage line says nothing of flags. */
  readonly hidesFlagsInUse?: boolean;
  /** Whether no page and no shell names it. */
  readonly isHidden?: boolean;
  /** Whether this release of etcd does not have it: beginnings of names mean those that it has first. */
  readonly isAddition?: boolean;
  /** How many arguments it must have; any number when absent. */
  readonly exactArguments?: number;
  /** Whether any argument is taken for a command that it does not have. */
  readonly takesNoArguments?: boolean;
  /** What a shell offers as arguments besides flags: nothing, or names of commands; files when absent. */
  readonly completes?: "nothing" | "commands";
  /** Absent for a command that only groups others: called alone it prints its help. */
  readonly run?: (context: C, call: Call<C>) => void | Promise<void>;
}

/** One call of a command: what it was given. */
export interface Call<C> {
  readonly command: Command<C>;
  readonly args: readonly string[];
  readonly flags: FlagSet;
}

/** Names closer than this in letters to change are suggested. */
const SUGGESTION_DISTANCE_MAX = 2;

/**
 * A command in its tree. Build the root; what is below comes about when somebody looks: a tool that runs one
 * command makes the flags of that command and of no other.
 */
export class Command<C> {
  readonly spec: CommandSpec<C>;
  readonly parent: Command<C> | undefined;
  #declared: readonly Command<C>[] | undefined;
  #ordered: readonly Command<C>[] | undefined;
  #flags: FlagSet | undefined;
  #localFlags: FlagSet | undefined;
  #inheritedFlags: FlagSet | undefined;

  constructor(spec: CommandSpec<C>, parent?: Command<C>) {
    this.spec = spec;
    this.parent = parent;
  }

  /** The commands directly below, ordered by name. */
  get commands(): readonly Command<C>[] {
    this.#ordered ??= [...this.#declaredCommands()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#ordered;
  }

  /** The commands directly below, in the order of the specification. */
  #declaredCommands(): readonly Command<C>[] {
    this.#declared ??= (this.spec.commands ?? []).map((child) => new Command(child, this));
    return this.#declared;
  }

  /** Every flag the command takes: its own and the inherited ones. */
  get flags(): FlagSet {
    this.#flags ??= new FlagSet().shareAll(this.localFlags).shareAll(this.inheritedFlags);
    return this.#flags;
  }

  get localFlags(): FlagSet {
    if (this.#localFlags === undefined) {
      const { flags, persistentFlags } = this.spec;
      const name = this.name || "this command";
      const help = new FlagSet().bool("help", false, `help for ${name}`, "h");
      this.#localFlags = new FlagSet().shareAll(flags).shareAll(persistentFlags).shareAll(help);
    }
    return this.#localFlags;
  }

  get inheritedFlags(): FlagSet {
    if (this.#inheritedFlags === undefined) {
      const inherited = new FlagSet();
      for (let above = this.parent; above !== undefined; above = above.parent) {
        inherited.shareAll(above.spec.persistentFlags);
      }
      this.#inheritedFlags = inherited;
    }
    return this.#inheritedFlags;
  }

  get name(): string {
    return this.spec.use.split(" ", 1)[0];
  }

  /** Names from the root down. */
  get path(): string {
    return this.parent === undefined ? this.name : `${this.parent.path} ${this.name}`;
  }

  /** The usage line. */
  get useLine(): string {
    const { use } = this.spec;
    const line = this.parent === undefined ? use : `${this.parent.path} ${use}`;
    const isWhole = this.spec.hidesFlagsInUse === true || line.includes("[flags]");
    return isWhole ? line : `${line} [flags]`;
  }

  /** The commands directly below that pages and shells name. */
  get shownCommands(): readonly Command<C>[] {
    return this.commands.filter(({ isShown }) => isShown);
  }

  /** Whether pages and shells name it. */
  get isShown(): boolean {
    return this.spec.isHidden !== true && this.spec.deprecated === undefined;
  }

  /** All commands below that pages name, depth first, each level ordered by name. */
  descendants(): Command<C>[] {
    return this.shownCommands.flatMap((child) => [child, ...child.descendants()]);
  }

  /** The command at or below this one that `commandLine` names, with the words left for it. */
  find(
    commandLine: readonly string[],
  ): { command: Command<C>; rest: readonly string[] } | FlagError {
    const at = this.#firstWord(commandLine);
    const next = at < 0 ? undefined : this.#child(commandLine[at]);
    if (next !== undefined) return next.find(commandLine.filter((_, i) => i !== at));
    const isUnknown = at >= 0 && this.parent === undefined && this.commands.length > 0;
    return isUnknown ? this.#unknown(commandLine[at]) : { command: this, rest: commandLine };
  }

  /** Sets the flags from `words`; returns the call, or the refusal (or the request for help). */
  parse(words: readonly string[]): Call<C> | FlagError {
    const args = this.flags.parse(words);
    if (args instanceof FlagError) return args;
    if (this.flags.getBool("help") || this.spec.run === undefined) return new FlagError("", true);
    const refusal = this.#wrongArguments(args) ?? this.#missingFlags();
    return refusal ?? { command: this, args, flags: this.flags };
  }

  #wrongArguments(args: readonly string[]): FlagError | undefined {
    const { exactArguments, takesNoArguments } = this.spec;
    if (takesNoArguments === true && args.length > 0) {
      return new FlagError(`unknown command ${goQuote(args[0])} for ${goQuote(this.path)}`);
    }
    if (exactArguments === undefined || exactArguments === args.length) return undefined;
    return new FlagError(`accepts ${exactArguments} arg(s), received ${args.length}`);
  }

  #missingFlags(): FlagError | undefined {
    const required = this.spec.requiredFlags ?? [];
    const missing = required.filter((name) => !this.flags.isChanged(name));
    if (missing.length === 0) return undefined;
    return new FlagError(`required flag(s) ${missing.map(goQuote).join(", ")} not set`);
  }

  /** Position of the first word that is neither a flag nor the value of one, or -1. */
  #firstWord(words: readonly string[]): number {
    for (let at = 0; at < words.length; at++) {
      const word = words[at];
      if (word === "--") return -1;
      if (!word.startsWith("-")) {
        if (word !== "") return at;
      } else if (this.#takesNextWord(word)) {
        at++;
      }
    }
    return -1;
  }

  #takesNextWord(word: string): boolean {
    if (word.includes("=")) return false;
    const isLong = word.startsWith("--");
    if (!isLong && word.length !== 2) return false;
    const flag = isLong
      ? this.flags.lookup(word.slice(2))
      : this.flags.lookupShorthand(word.slice(1));
    // The flag for help comes into being when the command is found: before its name it is like any unknown one.
    return flag?.kind !== "bool" || flag.name === "help";
  }

  #child(word: string): Command<C> | undefined {
    const exact = this.commands.find((child) => child.name === word);
    if (exact !== undefined) return exact;
    const matching = this.commands.filter((child) => child.name.startsWith(word));
    const own = matching.filter(({ spec }) => spec.isAddition !== true);
    const [found, other] = own.length > 0 ? own : matching;
    return other === undefined ? found : undefined;
  }

  #unknown(word: string): FlagError {
    const typed = word.toLowerCase();
    const near = this.#declaredCommands().filter(
      ({ name, isShown }) =>
        isShown &&
        (editDistance(typed, name.toLowerCase()) <= SUGGESTION_DISTANCE_MAX ||
          name.toLowerCase().startsWith(typed)),
    );
    const own = near.filter(({ spec }) => spec.isAddition !== true);
    const suggested = own.length > 0 ? own : near;
    let message = `unknown command ${goQuote(word)} for ${goQuote(this.path)}`;
    if (suggested.length > 0) {
      message += "\n\nDid you mean this?\n";
      for (const command of suggested) message += `\t${command.name}\n`;
    }
    return new FlagError(message);
  }
}

/** Letters to insert, delete or replace to make `b` of `a`. O(length * length). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(previous[j] + 1, current[j - 1] + 1, replaced));
    }
    previous = current;
  }
  return previous[b.length];
}
