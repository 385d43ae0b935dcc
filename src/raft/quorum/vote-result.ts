/** What an election comes to, given the votes cast so far. */
export type VoteResult = "won" | "lost" | "pending";
