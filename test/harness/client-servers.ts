/** The servers that tests of the client library run against: ours, and the real etcd where there is one. */
import { OUR_ETCD } from "./our-etcd.ts";
import { REFERENCE } from "./reference.ts";

/** Each with its name and what `startEtcd` starts it with. */
export const CLIENT_SERVERS: readonly [string, { readonly command?: readonly string[] }][] = [
  ["our server", { command: OUR_ETCD }],
  ...(REFERENCE === undefined ? [] : ([["the real etcd", {}]] as [string, object][])),
];
