import { expect, test } from "vitest";
import { openAuthStore } from "../auth/testing/open-auth-store.ts";
import { addUser, enableAuth, grantRole } from "../auth/user-operations.ts";
import { unprovenPeer } from "../ports/client-peer.ts";
import { createAuthUserAddRequest, encodeMemberPromoteRequest } from "../wire/gen/rpc.ts";
import { clusterMethods } from "./cluster.ts";

test("MemberPromote: who has no token to pass on is sent to the leader at once", () => {
  const auth = openAuthStore();
  addUser(auth, createAuthUserAddRequest({ name: "root" }));
  grantRole(auth, { user: "root", role: "root" });
  let isLeader = false;
  const promoted: (string | undefined)[] = [];
  const said: string[] = [];
  const methods = new Map(
    clusterMethods({
      member: { isLeader: () => isLeader, applier: { auth } },
      callers: { identityOf: () => ({ username: "root", revision: auth.revision }) },
      membership: {
        promote: (_id: bigint, _waiter: object, token?: string) => promoted.push(token),
      },
    } as never),
  );
  const promote = (token?: string): void => {
    const call = {
      get: (name: string) => (name === "token" ? token : undefined),
      peer: unprovenPeer(""),
      sendStatus: (code: number, message: string) => said.push(`${code} ${message}`),
    };
    const body = encodeMemberPromoteRequest({ id: 7n });
    methods.get("/etcdserverpb.Cluster/MemberPromote")?.onMessage(call as never, body);
  };
  promote();
  enableAuth(auth);
  promote();
  promote("a.1");
  isLeader = true;
  promote();
  expect(promoted).toEqual([undefined, "a.1", undefined]);
  expect(said).toEqual(["9 etcdserver: not leader"]);
});
