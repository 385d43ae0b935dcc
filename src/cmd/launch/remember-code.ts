/**
 * How a program tells its launcher what it has become, so that the next start finds the code that this one
 * needed already compiled. Does nothing where the program was not launched by ours.
 */

/** What the launcher gives to the program: see launcher.ts. */
export interface CodeKeeper {
  /** `work` is the kind of run: runs of the same kind need the same functions. */
  remember(work: string, when: "at exit" | "now"): void;
}

/** A parameter of the function that the bundle of a program is. */
declare const codeKeeper: CodeKeeper | undefined;

/** Has the code that has run by then kept, unless it is kept already. Name the kind of run, not its arguments. */
export function rememberCode(work: string, when: "at exit" | "now"): void {
  if (typeof codeKeeper !== "undefined") codeKeeper.remember(work, when);
}
