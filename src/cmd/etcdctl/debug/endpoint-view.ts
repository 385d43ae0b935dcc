/** What is seen of one endpoint and of the way to it. Texts are ordinary texts, for people. */
import type { EndpointAnswers } from "../diagnostic/findings.ts";
import type { MetricsPage } from "./metrics-page.ts";

/** What the certificate of a server says of itself. */
export interface CertificateView {
  readonly subject: string;
  /** In milliseconds since 1970. */
  readonly validFromMs: number;
  readonly validToMs: number;
  /** Why it is not believed; absent where it is, or where nobody looks (`--insecure-skip-tls-verify`). */
  readonly problem?: string;
}

/** Why there is no connection. `code` is the system's or OpenSSL's, empty where there is none. */
export interface ConnectionFailure {
  readonly code: string;
  readonly text: string;
}

export interface EndpointView extends EndpointAnswers {
  /** Whether somebody asked for it, or the list of members named it. */
  readonly isGiven: boolean;
  /** Whether it is reached by TLS. */
  readonly isSecure: boolean;
  /** Milliseconds until there was a connection. */
  connectMs?: number;
  connectionFailure?: ConnectionFailure;
  certificate?: CertificateView;
  /** Whether a server that was asked in the clear speaks TLS. */
  wantsTls?: boolean;
  /** Milliseconds that an answer about its state took, and a read that a quorum confirmed. */
  statusMs?: number;
  readMs?: number;
  /** Milliseconds that its clock is ahead of ours, give or take half a second and half the way. */
  clockAheadMs?: number;
  /** Its metrics, and those of some time before. */
  metrics?: MetricsPage;
  earlierMetrics?: MetricsPage;
  /** Kinds of calls of which some took a second or longer, as /debug/requests has them. */
  slowCalls?: readonly string[];
}
