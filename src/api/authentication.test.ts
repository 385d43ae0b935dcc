import { describe, expect, test } from "vitest";
import { MemoryLog } from "../../sim/memory-log.ts";
import { SimpleTokens } from "../auth/simple-tokens.ts";
import { openAuthStore } from "../auth/testing/open-auth-store.ts";
import { simpleTokens } from "../auth/tokens.ts";
import { addUser, disableAuth, enableAuth, grantRole } from "../auth/user-operations.ts";
import { Errors } from "../errors/table.ts";
import { sha256 } from "../platform/digest.ts";
import { type ClientPeer, unprovenPeer } from "../ports/client-peer.ts";
import { Prng } from "../stdx/prng.ts";
import { createAuthUserAddRequest } from "../wire/gen/rpc.ts";
import { Authentication } from "./authentication.ts";
import type { Identifiable } from "./context.ts";

const UNPROVEN = unprovenPeer("10.0.0.1:1234");
const PROVEN: ClientPeer = { address: "10.0.0.1:1234", commonName: "carol" };

function callWith(
  metadata: Readonly<Record<string, string>> = {},
  peer: ClientPeer = UNPROVEN,
): Identifiable {
  return { get: (name) => metadata[name], peer };
}

function open(clientCertAuth = true) {
  const table = new SimpleTokens(60_000, () => 0);
  const store = openAuthStore(undefined, table);
  addUser(store, createAuthUserAddRequest({ name: "root" }));
  grantRole(store, { user: "root", role: "root" });
  enableAuth(store);
  const log = new MemoryLog();
  const authentication = new Authentication({
    tokens: simpleTokens(table, new Prng(1)),
    auth: () => store,
    appliedIndex: () => 100,
    clientCertAuth,
    sha256,
    log,
  });
  table.assign("alice.7", "alice");
  return { authentication, store, log };
}

describe("Authentication", () => {
  test("nobody is anybody while authentication is off", () => {
    const { authentication, store } = open();
    disableAuth(store);
    for (const call of [callWith({ token: "alice.7" }), callWith({ token: "x" }, PROVEN)]) {
      expect(authentication.identityOf(call)).toBeUndefined();
      expect(authentication.mustWait(call)).toBe(false);
    }
  });

  test.each([
    [{ token: "alice.7" }, "alice"],
    [{ authorization: "alice.7" }, "alice"],
    [{ authorization: "Bearer alice.7" }, "alice"],
    [{ token: "alice.7", authorization: "x" }, "alice"],
  ])("a token tells who calls: %j", (metadata, username) => {
    const { authentication, store } = open();
    const { revision } = store;
    expect(authentication.identityOf(callWith(metadata))).toEqual({ username, revision });
    expect(authentication.identityOf(callWith(metadata, PROVEN))).toEqual({ username, revision });
  });

  test.each([
    { token: "" },
    { token: "alice.8" },
    { token: "x", authorization: "alice.7" },
    { authorization: "bearer alice.7" },
  ])("a token that is none is refused, whatever else there is: %j", (metadata) => {
    const { authentication, log } = open();
    expect(authentication.identityOf(callWith(metadata, PROVEN))).toBe(Errors.InvalidAuthToken);
    const said = JSON.stringify(log.lines.at(-1)?.fields);
    expect(said).toMatch(/^\{"token-fingerprint":"[0-9a-f]{12}"\}$/);
  });

  test("without a token the certificate tells, of the revision of now", () => {
    const { authentication, store } = open();
    const first = authentication.identityOf(callWith({}, PROVEN));
    expect(first).toEqual({ username: "carol", revision: store.revision });
    expect(authentication.identityOf(callWith({}, PROVEN))).toBe(first);
    addUser(store, createAuthUserAddRequest({ name: "dave" }));
    const { revision } = store;
    expect(authentication.identityOf(callWith({}, PROVEN))).toEqual({
      username: "carol",
      revision,
    });
    const nameless = { ...PROVEN, commonName: "" };
    expect(authentication.identityOf(callWith({}, nameless))).toEqual({ username: "", revision });
  });

  test("a certificate does not count that was not verified, or is that of the gateway", () => {
    expect(open().authentication.identityOf(callWith())).toBeUndefined();
    expect(open(false).authentication.identityOf(callWith({}, PROVEN))).toBeUndefined();
    const { authentication, log } = open();
    const forwarded = callWith({ "grpcgateway-accept": "" }, PROVEN);
    expect(authentication.identityOf(forwarded)).toBeUndefined();
    expect(log.lines.at(-1)?.message).toBe("ignoring common name in gRPC-gateway proxy request");
  });

  test.each([
    [{ token: "alice.7" }, false],
    [{ token: "alice.99" }, false],
    [{ token: "alice.100" }, true],
    [{ authorization: "Bearer alice.100" }, true],
    [{ token: "alice" }, false],
    [{}, false],
  ])("who has a token of an entry that is not applied must wait: %j %s", (metadata, mustWait) => {
    expect(open().authentication.mustWait(callWith(metadata))).toBe(mustWait);
  });
});
