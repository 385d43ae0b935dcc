/** Our client library over sockets, for tests. */
import { Client } from "../../src/client/client.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { systemRandom } from "../../src/platform/random.ts";
import { QUIET_LOG } from "./quiet-log.ts";

/** A client of the servers behind `endpoints`; close it. */
export function connectClient(endpoints: readonly string[]): Client {
  return new Client({
    endpoints,
    connector: socketConnector(undefined),
    clock: systemClock,
    random: systemRandom,
    log: QUIET_LOG,
  });
}
