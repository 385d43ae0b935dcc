/** What a whole member answers its peers, compared with what etcd 3.5.16 was seen to answer. */
import { beforeEach, describe, expect, test } from "vitest";
import { addUser, enableAuth, grantRole } from "../src/auth/user-operations.ts";
import { createAuthUserAddRequest } from "../src/wire/gen/rpc.ts";
import type { PeerHash } from "../src/member/corruption-check.ts";
import { Errors } from "../src/errors/table.ts";
import type { PeerCaller, PeerRequest, PeerResponse } from "../src/peer/network.ts";
import { membershipEndpoints } from "../src/server/cluster/membership-endpoints.ts";
import { answerPeer, type PeerEndpoints } from "../src/server/cluster/peer-endpoints.ts";
import { PeerHashes } from "../src/server/cluster/peer-hashes.ts";
import { bytesFromUtf8, utf8FromBytes } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import { createPutRequest, encodePutRequest } from "../src/wire/gen/rpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

const TEXT = {
  "Content-Type": "text/plain; charset=utf-8",
  "X-Content-Type-Options": "nosniff",
};
const JSON_TYPE = { "Content-Type": "application/json" };

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

describe("a member's answers to its peers", () => {
  let life: SimulatedMember;
  let endpoints: PeerEndpoints;

  beforeEach(async () => {
    life = new SimulatedMember(new SimulatedDisk({ random: new Prng(1) }), 1_700_000_000_000);
    expect(await life.start(new Prng(2))).toBe(true);
    const { member, membership, current, callers } = life.host;
    expect(await life.until(() => member.applier.cluster.version !== undefined)).toBe(true);
    endpoints = new Map(
      membershipEndpoints({ member, membership, callers, hashes: current.hashes, log: life.log }),
    );
  });

  const ask = async (
    method: PeerRequest["method"],
    path: string,
    body = "",
    token?: string,
  ): Promise<Answer | undefined> => {
    let answer: PeerResponse | undefined;
    const request = { method, path, contentType: "", body: bytesFromUtf8(body) };
    const named = token === undefined ? request : { ...request, token };
    answerPeer(endpoints, named, (response) => {
      expect(answer).toBeUndefined();
      answer = response;
    });
    life.host.poke();
    expect(await life.until(() => answer !== undefined)).toBe(true);
    return answer && { ...answer, body: utf8FromBytes(answer.body) };
  };

  const text = (status: number, line: string): Answer => ({
    status,
    headers: TEXT,
    body: `${line}\n`,
  });
  const json = (body: string): Answer => ({ status: 200, headers: JSON_TYPE, body });

  test("who the members are", async () => {
    const { id } = life.host.member;
    const list =
      `[{"id":${id},"peerURLs":["http://localhost:2380"],"name":"default",` +
      '"clientURLs":["http://localhost:2379"]}]\n';
    expect(await ask("GET", "/members")).toEqual(json(list));
    expect(await ask("GET", "/members/")).toEqual(text(404, "404 page not found"));
    const refusal = text(405, "Method Not Allowed");
    const allowed = { ...refusal, headers: { ...TEXT, Allow: "GET" } };
    expect(await ask("POST", "/members")).toEqual(allowed);
  });

  test("versions and downgrades", async () => {
    const versions = '{"etcdserver":"3.5.16","etcdcluster":"3.5.0"}';
    expect(await ask("GET", "/version")).toEqual(json(versions));
    expect(await ask("GET", "/downgrade/enabled")).toEqual({
      status: 200,
      headers: { "Content-Type": "text/plain" },
      body: "false",
    });
  });

  test("promotions that are none", async () => {
    const { id } = life.host.member;
    const refusal = text(405, "Method Not Allowed");
    expect(await ask("GET", "/members/promote/1")).toEqual({
      ...refusal,
      headers: { ...TEXT, Allow: "POST" },
    });
    const unknown = text(404, "membership: ID not found");
    expect(await ask("POST", "/members/promote/1")).toEqual(unknown);
    expect(await ask("POST", "/members/promote/01")).toEqual(unknown);
    for (const bad of ["abc", "", "18446744073709551616", "-1"]) {
      const answer = text(404, `member ${bad} not found in cluster`);
      expect(await ask("POST", `/members/promote/${bad}`)).toEqual(answer);
    }
    const voter = text(412, "membership: can only promote a learner member");
    expect(await ask("POST", `/members/promote/${id}`)).toEqual(voter);
  });

  test("promotions are for whoever has the role root, by the token that is passed on", async () => {
    const { member, tokens } = life.host;
    const { auth } = member.applier;
    for (const name of ["root", "user"]) addUser(auth, createAuthUserAddRequest({ name }));
    grantRole(auth, { user: "root", role: "root" });
    expect(enableAuth(auth)).toBeUndefined();
    tokens.table.assign("of.1", "root");
    tokens.table.assign("of.2", "user");
    const promote = (token?: string): Promise<Answer | undefined> =>
      ask("POST", "/members/promote/1", "", token);
    const refusal = { ...json('{"message":"Internal Server Error"}'), status: 500 };
    for (const token of [undefined, "of.2", "of.3"]) expect(await promote(token)).toEqual(refusal);
    expect(await promote("of.1")).toEqual(text(404, "membership: ID not found"));
    expect(await promote("Bearer of.1")).toEqual(text(404, "membership: ID not found"));
  });

  test("the hash of the keyspace", async () => {
    const empty = '{"header":{"revision":1},"hash":1084519789,"compact_revision":-1}';
    for (const body of ['{"revision":0}', "{}", '{"revision":-1}', '{"Revision":1,"x":[1]}']) {
      expect(await ask("GET", "/members/hashkv", body)).toEqual(json(empty));
    }
    const future = text(400, "mvcc: required revision is a future revision");
    expect(await ask("GET", "/members/hashkv", '{"revision":5}')).toEqual(future);
    const malformed = text(400, "error unmarshalling request");
    for (const body of ["", "x", "[]", '{"revision":"5"}', '{"revision":0.5}']) {
      expect(await ask("GET", "/members/hashkv", body)).toEqual(malformed);
    }
  });

  test("are understood by a member that compares hashes", async () => {
    const other = 0xabn;
    life.host.member.applier.cluster.add({
      id: other,
      peerUrls: ["http://down:1", "http://up:1"],
      isLearner: false,
      name: "other",
      clientUrls: [],
    });
    const peers: PeerCaller = {
      call: (url, request, _timeoutMs, done) => {
        if (url === "http://up:1") answerPeer(endpoints, request, done);
        else done(new Error("nobody is there"));
      },
    };
    const { member } = life.host;
    const asker = new PeerHashes({ member, peers, timeoutMs: 1, log: life.log });
    const hashesAt = async (revision: number): Promise<readonly PeerHash[] | undefined> => {
      let told: readonly PeerHash[] | undefined;
      asker.hashesAt(revision, (answers) => {
        told = answers;
      });
      life.host.poke();
      expect(await life.until(() => told !== undefined)).toBe(true);
      return told;
    };
    const from = { peerId: other, endpoints: ["http://down:1", "http://up:1"] };
    const hash = { hash: 1084519789, compactRevision: -1, revision: 1, isComparable: true };
    expect(await hashesAt(1)).toEqual([{ ...from, answer: { hash, currentRevision: 1 } }]);
    expect(await hashesAt(9)).toEqual([{ ...from, answer: Errors.FutureRevision }]);
    const key = bytesFromUtf8("k");
    let isPut = false;
    life.propose(Operation.put, encodePutRequest(createPutRequest({ key, value: key })), () => {
      isPut = true;
    });
    expect(await life.until(() => isPut)).toBe(true);
    const later = await hashesAt(1);
    expect(later).toEqual([{ ...from, answer: { hash, currentRevision: 2 } }]);
  });
});
