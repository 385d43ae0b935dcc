/** What is said between a thread that hashes passwords and whoever started it. */

export interface PasswordQuestion {
  readonly id: number;
  readonly password: string;
  readonly task:
    | { readonly kind: "hash"; readonly cost: number }
    | { readonly kind: "compare"; readonly hash: string };
}

export type PasswordAnswer =
  | { readonly id: number; readonly hash: string }
  | { readonly id: number; readonly isSame: boolean };
