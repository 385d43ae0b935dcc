/** A rule of the cluster was broken: the reason why a seed fails. */
export class Violation extends Error {
  /** Which rule, in a word or two: what stays the same while a failure is shrunk. */
  readonly rule: string;

  constructor(rule: string, detail: string) {
    super(`${rule}: ${detail}`);
    this.name = "Violation";
    this.rule = rule;
  }
}
