import { describe, expect, test } from "vitest";
import { utf8FromBytes } from "../stdx/bytes.ts";
import { ConfChangeType } from "../wire/gen/raft.ts";
import { confChangeOf, type MembershipChange, membershipChangeOf } from "./conf-change.ts";
import type { MemberInfo } from "./member-info.ts";

const ID = 17283228739349682491n;
const REQUEST_ID = 7n;

const member = (peerUrls: readonly string[], isLearner: boolean): MemberInfo => ({
  id: ID,
  peerUrls,
  isLearner,
  name: "",
  clientUrls: [],
});

/** Kind of change, and the context of the entry as etcd 3.5 writes it. */
const CHANGES: readonly (readonly [MembershipChange, ConfChangeType, string | undefined])[] = [
  [
    { kind: "add", member: member(["http://127.0.0.1:23810"], true) },
    ConfChangeType.ConfChangeAddLearnerNode,
    '{"id":17283228739349682491,"peerURLs":["http://127.0.0.1:23810"],"isLearner":true}',
  ],
  [
    { kind: "add", member: member(["http://a:1", "http://b:2"], false) },
    ConfChangeType.ConfChangeAddNode,
    '{"id":17283228739349682491,"peerURLs":["http://a:1","http://b:2"]}',
  ],
  [
    { kind: "update", member: member(["http://b:2", "http://a:1"], false) },
    ConfChangeType.ConfChangeUpdateNode,
    '{"id":17283228739349682491,"peerURLs":["http://b:2","http://a:1"]}',
  ],
  [
    { kind: "promote", id: ID },
    ConfChangeType.ConfChangeAddNode,
    '{"id":17283228739349682491,"peerURLs":null,"isPromote":true}',
  ],
  [{ kind: "remove", id: ID }, ConfChangeType.ConfChangeRemoveNode, undefined],
];

describe("confChangeOf", () => {
  test("writes what etcd writes, and that is read again", () => {
    for (const [change, type, context] of CHANGES) {
      const written = confChangeOf(change, REQUEST_ID);
      expect(written).toMatchObject({ id: REQUEST_ID, type, nodeId: ID });
      expect(written.context && utf8FromBytes(written.context)).toBe(context);
      expect(membershipChangeOf(written)).toEqual(change);
    }
  });
});
