/** What the peer protocol is given by the server. */
import type { Clock } from "../ports/clock.ts";
import type { HttpClient } from "../ports/http.ts";
import type { Log } from "../ports/log.ts";
import type { PeerMetrics } from "./metrics.ts";

export interface PeerOptions {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: PeerMetrics;
  /** Release of etcd that this member behaves as, such as "3.5.16". */
  readonly serverVersion: string;
  /** How long a connection may take to come about: `--election-timeout` and a second. */
  readonly dialTimeoutMs: number;
  /** `--raft-read-timeout`: how long a stream may be silent. */
  readonly readTimeoutMs: number;
}
