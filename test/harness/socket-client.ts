/** Our client library over sockets, for tests. */
import { Client } from "../../src/client/client.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { QUIET_LOG } from "./quiet-log.ts";

/** Name and password of a user. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/**
 * A client of the servers behind `endpoints`; close it. One with a user calls as nobody in particular until it
 * has authenticated.
 */
export function connectClient(endpoints: readonly string[], user?: Credentials): Client {
  return new Client({
    ...user,
    endpoints,
    connector: socketConnector(undefined),
    clock: systemClock,
    random: systemRandom,
    log: QUIET_LOG,
  });
}
