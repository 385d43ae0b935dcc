import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Errors } from "../errors/table.ts";
import { Cluster } from "./cluster.ts";
import { applyMembershipChange } from "./conf-change.ts";
import { computeClusterId, computeMemberId } from "./identity.ts";
import { decodeMember, encodeMember, type MemberInfo } from "./member-info.ts";
import { decodeV2Store, encodeFoundingV2Store, encodeV2Store, V2ContentError } from "./v2-store.ts";

const sha1 = (bytes: Uint8Array): Uint8Array => createHash("sha1").update(bytes).digest();

const memberArbitrary: fc.Arbitrary<MemberInfo> = fc.record({
  id: fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }),
  peerUrls: fc.array(fc.webUrl(), { minLength: 1, maxLength: 3 }),
  isLearner: fc.boolean(),
  name: fc.string(),
  clientUrls: fc.array(fc.webUrl(), { maxLength: 2 }),
});

describe("identity", () => {
  test("ids of the default one-member cluster are etcd's well-known ones", () => {
    const member = computeMemberId(["http://localhost:2380"], "etcd-cluster", undefined, sha1);
    expect(member.toString(16)).toBe("8e9e05c52164694d");
    expect(computeClusterId([member], sha1).toString(16)).toBe("cdf818194e3a8c32");
  });
});

describe("member JSON", () => {
  test("round trips with 64-bit ids", () => {
    fc.assert(
      fc.property(memberArbitrary, (member) => {
        expect(decodeMember(encodeMember(member))).toEqual(member);
      }),
    );
  });

  test("has etcd's field order and omits what is empty", () => {
    const member = { id: 10276657743932975437n, peerUrls: ["http://a:1"], isLearner: false };
    expect(encodeMember({ ...member, name: "", clientUrls: [] })).toBe(
      '{"id":10276657743932975437,"peerURLs":["http://a:1"]}',
    );
    expect(encodeMember({ ...member, isLearner: true, name: "n", clientUrls: ["u"] })).toBe(
      '{"id":10276657743932975437,"peerURLs":["http://a:1"],"isLearner":true,"name":"n","clientURLs":["u"]}',
    );
  });
});

describe("v2 store image", () => {
  test("gives back the membership that was written", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(memberArbitrary, { selector: (m) => m.id, maxLength: 5 }),
        fc.option(fc.constant("3.5.0"), { nil: undefined }),
        (members, version) => {
          const cluster = new Cluster(7n);
          for (const member of members) {
            cluster.add(member.name === "" ? { ...member, clientUrls: [] } : member);
          }
          if (members.length > 1) cluster.remove(members[0].id);
          cluster.version = version;
          const read = decodeV2Store(encodeV2Store(cluster), 7n);
          expect(read.members()).toEqual(cluster.members());
          expect(read.removedIds()).toEqual(cluster.removedIds());
          expect(read.version).toBe(version);
        },
      ),
    );
  });

  test("of a founded cluster gives back who founded it, and what they do not say yet", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(memberArbitrary, { selector: (m) => m.id, minLength: 1, maxLength: 5 }),
        (members) => {
          const founders = members.toSorted((a, b) => (a.id < b.id ? -1 : 1));
          const text = encodeFoundingV2Store(founders);
          const read = decodeV2Store(text, 7n);
          const expected = founders.map((member) => ({ ...member, name: "", clientUrls: [] }));
          expect(read.members()).toEqual(expected);
          expect(read.version).toBeUndefined();
          const { CurrentIndex, WatcherHub } = JSON.parse(text) as {
            CurrentIndex: number;
            WatcherHub: { EventHistory: { Queue: { Events: unknown[]; Size: number } } };
          };
          expect(CurrentIndex).toBe(members.length);
          const { Events, Size } = WatcherHub.EventHistory.Queue;
          expect([Size, Events.length]).toEqual([members.length, 1000]);
          expect(Events.filter((event) => event !== null)).toHaveLength(members.length);
        },
      ),
    );
  });

  test("refuses an image with v2 keys", () => {
    const text = encodeV2Store(new Cluster(1n)).replace(
      /"Path":"\/1"(.*?)"Children":\{\}/,
      '"Path":"/1"$1"Children":{"a":{"Path":"/1/a","Value":"b","Children":null}}',
    );
    expect(() => decodeV2Store(text, 1n)).toThrow(V2ContentError);
  });
});

describe("Cluster", () => {
  const member = (id: bigint, url: string, isLearner = false): MemberInfo => ({
    id,
    peerUrls: [url],
    isLearner,
    name: "",
    clientUrls: [],
  });

  test("checks refuse what etcd refuses", () => {
    const cluster = new Cluster(1n);
    cluster.add(member(1n, "http://a"));
    cluster.add(member(2n, "http://b", true));
    expect(cluster.checkAdd(member(1n, "http://c"))).toBe(Errors.MemberExist);
    expect(cluster.checkAdd(member(3n, "http://a"))).toBe(Errors.PeerUrlExist);
    expect(cluster.checkAdd(member(3n, "http://c", true))).toBe(Errors.TooManyLearners);
    expect(cluster.checkAdd(member(3n, "http://c"))).toBeUndefined();
    expect(cluster.checkPromote(1n)).toBe(Errors.NotLearner);
    expect(cluster.checkPromote(2n)).toBeUndefined();
    expect(cluster.checkUpdate(1n, ["http://a"])).toBeUndefined();
    expect(cluster.checkUpdate(1n, ["http://b"])).toBe(Errors.PeerUrlExist);
    cluster.remove(2n);
    expect(cluster.checkRemove(2n)).toBe(Errors.MemberNotFound);
    expect(cluster.checkAdd(member(2n, "http://d"))).toBe(Errors.MemberNotFound);
    expect(cluster.updateAttributes(2n, { name: "late", clientUrls: [] })).toBe(false);
  });

  test("a member with other peer URLs keeps its name and its client URLs", () => {
    const cluster = new Cluster(1n);
    cluster.add(member(1n, "http://a"));
    const published = { name: "one", clientUrls: ["http://client"] };
    cluster.updateAttributes(1n, published);
    applyMembershipChange(cluster, { kind: "update", member: member(1n, "http://b") });
    expect(cluster.member(1n)).toEqual({ ...member(1n, "http://b"), ...published });
  });
});
