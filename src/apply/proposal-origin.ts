/** The call of a client that proposed an entry, for the log. */
export interface ProposalOrigin {
  /** When it came, on the clock of the apply timer. */
  readonly startMs: number;
  /** `/package.Service/Method`. */
  readonly path: string;
  /** Where it came from. */
  readonly remote: string;
}
