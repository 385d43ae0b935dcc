/** The audit log of a running member: a line for what clients do, and never a value or a password in it. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesFromLatin1, bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import {
  CompareTarget,
  createCompare,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  decodeWatchResponse,
  createAuthenticateRequest,
  encodeAuthenticateRequest,
  encodeLeaseGrantRequest,
  encodeLeaseKeepAliveRequest,
  encodePutRequest,
  encodeRangeRequest,
  encodeTxnRequest,
  encodeWatchRequest,
  createLeaseGrantRequest,
  createLeaseKeepAliveRequest,
  createTxnRequest,
  createWatchCreateRequest,
  createWatchRequest,
} from "../../src/wire/gen/rpc.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD, OUR_ETCDCTL } from "../harness/our-etcd.ts";
import { openRawCaller, type RawCaller } from "../harness/raw-calls.ts";

type Line = Record<string, unknown>;

const SECRET = "s3cret-value";
const PASSWORD = "s3cret-word";

describe("the audit log", { timeout: 60_000 }, () => {
  let folder = "";
  let server: EtcdProcess;
  let caller: RawCaller;

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "audit-log-"));
    const flags = [`--audit-log-path=${folder}/audit.log`, "--audit-log-maxbackup=2"];
    server = await startEtcd({ command: OUR_ETCD, flags });
    caller = await openRawCaller(server.endpoint);
  }, 60_000);

  afterAll(async () => {
    caller.close();
    await server.remove();
    fs.rmSync(folder, { recursive: true });
  });

  const text = (): string => fs.readFileSync(path.join(folder, "audit.log"), "utf8");
  const linesOf = (method: string): Line[] =>
    text()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Line)
      .filter((line) => line["method"] === method);
  /** Lines about `method`, once there are as many; without what every run has anew. */
  async function told(method: string, count: number): Promise<Line[]> {
    await expect.poll(() => linesOf(method).length, { timeout: 20_000 }).toBe(count);
    return linesOf(method).map(({ time, member, remote, method: own, duration_ms, ...rest }) => {
      expect(own).toBe(method);
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      expect(member).toMatch(/^[0-9a-f]+$/);
      expect(remote).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(duration_ms).toEqual(expect.any(Number));
      return rest;
    });
  }

  test("tells key, lease and revision of a put, and why one was refused", async () => {
    const value = bytesFromUtf8(SECRET);
    const put = (request: Partial<Parameters<typeof encodePutRequest>[0]>) =>
      caller.call(
        "/etcdserverpb.KV/Put",
        encodePutRequest(createPutRequest({ value, ...request })),
      );
    await put({ key: bytesFromUtf8("ключ") });
    await put({ key: bytesFromLatin1("\xff\x00"), lease: 0x1234n });
    await put({});
    await put({ key: new Uint8Array(2000).fill(0x61) });
    const [first, second, third, fourth] = await told("/etcdserverpb.KV/Put", 4);
    expect(first).toEqual({ key: "ключ", revision: 2, code: "OK" });
    expect(second).toEqual({
      key_base64: "/wA=",
      lease: "1234",
      code: "NotFound",
      error: "etcdserver: requested lease not found",
    });
    expect(third).toEqual({ code: "InvalidArgument", error: "etcdserver: key is not provided" });
    expect(fourth).toEqual({ key: "a".repeat(512), key_bytes: 2000, revision: 3, code: "OK" });
  });

  test("tells the range of a read, and all of a transaction but what is in it", async () => {
    const range = createRangeRequest({
      key: bytesFromUtf8("a"),
      rangeEnd: bytesFromLatin1("\0"),
      revision: 2,
    });
    await caller.call("/etcdserverpb.KV/Range", encodeRangeRequest(range));
    const value = bytesFromUtf8(SECRET);
    const txn = createTxnRequest({
      compare: [
        createCompare({
          key: bytesFromUtf8("c"),
          target: CompareTarget.VALUE,
          targetUnion: { case: "value", value },
        }),
      ],
      success: [
        createRequestOp({
          request: {
            case: "requestPut",
            value: createPutRequest({ key: value.slice(0, 1), value }),
          },
        }),
      ],
      failure: [createRequestOp({ request: { case: "requestRange", value: range } })],
    });
    await caller.call("/etcdserverpb.KV/Txn", encodeTxnRequest(txn));
    expect(await told("/etcdserverpb.KV/Range", 1)).toEqual([
      { key: "a", range_end_base64: "AA==", at_revision: 2, revision: 3, code: "OK" },
    ]);
    expect(await told("/etcdserverpb.KV/Txn", 1)).toEqual([
      {
        txn: {
          compare: [{ key: "c", target: "VALUE", result: "EQUAL" }],
          success: [{ op: "put", key: "s" }],
          failure: [{ op: "range", key: "a", range_end_base64: "AA==" }],
        },
        succeeded: false,
        revision: 3,
        code: "OK",
      },
    ]);
  });

  test("tells the life of watchers and of leases on their streams", async () => {
    const lease = { ttl: 60, id: 0xabcn };
    await caller.call(
      "/etcdserverpb.Lease/LeaseGrant",
      encodeLeaseGrantRequest(createLeaseGrantRequest(lease)),
    );
    const answers: Uint8Array[] = [];
    const onMessage = (body: Uint8Array): void => void answers.push(body);
    const renewals = caller.open("/etcdserverpb.Lease/LeaseKeepAlive", { onMessage });
    const renewal = encodeLeaseKeepAliveRequest(createLeaseKeepAliveRequest({ id: lease.id }));
    renewals.send(renewal);
    renewals.send(renewal);
    await expect.poll(() => answers.length).toBe(2);
    renewals.halfClose();
    const watch = caller.open("/etcdserverpb.Watch/Watch", { onMessage });
    const create = createWatchCreateRequest({ key: bytesFromUtf8("w"), startRevision: 2 });
    watch.send(
      encodeWatchRequest(
        createWatchRequest({ requestUnion: { case: "createRequest", value: create } }),
      ),
    );
    await expect.poll(() => answers.length).toBe(3);
    expect(decodeWatchResponse(answers[2] ?? new Uint8Array()).created).toBe(true);
    watch.cancel();

    expect(await told("/etcdserverpb.Lease/LeaseGrant", 1)).toEqual([
      { lease: "abc", ttl: 60, revision: 3, code: "OK" },
    ]);
    expect(await told("/etcdserverpb.Lease/LeaseKeepAlive", 2)).toEqual([
      { action: "renew", lease: "abc", code: "OK" },
      { action: "close", renewals: 2, code: "OK" },
    ]);
    expect(await told("/etcdserverpb.Watch/Watch", 2)).toEqual([
      { action: "create", watch_id: 0, key: "w", start_revision: 2, code: "OK" },
      { action: "close", watchers: 1, code: "Canceled", error: "context canceled" },
    ]);
  });

  test("tells who administers what, and no password", async () => {
    const ctl = (...args: string[]): void => {
      const words = [...OUR_ETCDCTL, `--endpoints=${server.endpoint}`, ...args];
      spawnSync(words[0] ?? "", words.slice(1), { input: PASSWORD });
    };
    await caller.call(
      "/etcdserverpb.Auth/Authenticate",
      encodeAuthenticateRequest(createAuthenticateRequest({ name: "alice", password: PASSWORD })),
    );
    ctl("member", "list");
    ctl("snapshot", "save", path.join(folder, "backup.db"));
    ctl("alarm", "disarm");
    expect(await told("/etcdserverpb.Auth/Authenticate", 1)).toMatchObject([{ name: "alice" }]);
    expect(await told("/etcdserverpb.Cluster/MemberList", 1)).toMatchObject([{ code: "OK" }]);
    expect(await told("/etcdserverpb.Maintenance/Snapshot", 1)).toMatchObject([{ code: "OK" }]);
    expect(linesOf("/etcdserverpb.Maintenance/Alarm")[0]).toMatchObject({ action: "GET" });
  });

  test("names users by password and the calls of the JSON gateway", async () => {
    const ctl = (...args: string[]): void => {
      const words = [...OUR_ETCDCTL, `--endpoints=${server.endpoint}`, ...args];
      const { status, stderr } = spawnSync(words[0] ?? "", words.slice(1), { encoding: "utf8" });
      expect(status, stderr).toBe(0);
    };
    ctl("user", "add", `root:${PASSWORD}`);
    ctl("user", "grant-role", "root", "root");
    ctl("auth", "enable");
    ctl(`--user=root:${PASSWORD}`, "put", "by/root", SECRET);
    const put = (): Line | undefined => linesOf("/etcdserverpb.KV/Put").at(-1);
    await expect.poll(put).toMatchObject({ user: "root", key: "by/root", code: "OK" });
    const [added] = linesOf("/etcdserverpb.Auth/UserAdd");
    expect(added).toMatchObject({ name: "root", code: "OK" });
    expect(linesOf("/etcdserverpb.Auth/Authenticate").at(-1)).toMatchObject({ name: "root" });

    const key = Buffer.from("by/nobody").toString("base64");
    const response = await fetch(`http://${server.endpoint}/v3/kv/range`, {
      method: "POST",
      body: JSON.stringify({ key }),
    });
    expect(response.status).toBe(400);
    await response.text();
    const range = (): Line | undefined => linesOf("/etcdserverpb.KV/Range").at(-1);
    await expect.poll(range).toMatchObject({ key: "by/nobody", code: "InvalidArgument" });
    ctl(`--user=root:${PASSWORD}`, "auth", "disable");
  });

  test("has every line of the calls so far when the member has stopped, and no secret in any", async () => {
    await caller.call(
      "/etcdserverpb.KV/Put",
      encodePutRequest(createPutRequest({ key: bytesFromUtf8("last") })),
    );
    await server.stop("SIGTERM");
    expect(linesOf("/etcdserverpb.KV/Put").at(-1)).toMatchObject({ key: "last" });
    expect(text()).not.toContain(SECRET);
    expect(text()).not.toContain(PASSWORD);
    expect(text()).not.toContain(Buffer.from(SECRET).toString("base64"));
  });
});
