/** Something that is not as it should be, in words for somebody who has just been woken up. */
export const SEVERITIES = ["critical", "warning", "note"] as const;

export type Severity = (typeof SEVERITIES)[number];

export interface Problem {
  readonly severity: Severity;
  /** Whom it is about: a member, an endpoint, the cluster. */
  readonly about: string;
  /** What is wrong: a sentence without its end. */
  readonly text: string;
  /** What to do now, and how. */
  readonly todo: string;
}

/** What all that was seen comes to. */
export const VERDICTS = ["healthy", "degraded", "critical", "no answer"] as const;

export type Verdict = (typeof VERDICTS)[number];
