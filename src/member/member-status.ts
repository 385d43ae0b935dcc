/** What a member tells of itself in a few words. */
export interface MemberStatus {
  readonly id: bigint;
  /** 0 when no leader is known. */
  readonly leader: bigint;
  readonly term: number;
  readonly committedIndex: number;
  readonly appliedIndex: number;
  readonly isLearner: boolean;
  /** Proposals whose outcome is waited for. */
  readonly pendingProposals: number;
}
