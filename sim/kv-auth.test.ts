/**
 * Rights in the KV service of a whole member: what a call may read or propose when users and roles change while
 * it is under way.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { kvMethods } from "../src/api/kv.ts";
import type { AuthInfo } from "../src/auth/auth-info.ts";
import {
  NO_DEADLINE,
  openRawConnection,
  type RawConnection,
} from "../src/client/raw-connection.ts";
import { Errors } from "../src/errors/table.ts";
import { bytesFromLatin1 } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import { createPermission, PermissionType } from "../src/wire/gen/auth.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import {
  createAuthUserAddRequest,
  createCompare,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  createTxnRequest,
  decodeRangeResponse,
  decodeTxnResponse,
  encodeAuthEnableRequest,
  encodeAuthRoleAddRequest,
  encodeAuthRoleGrantPermissionRequest,
  encodeAuthUserAddRequest,
  encodeAuthUserGrantRoleRequest,
  encodePutRequest,
  encodeRangeRequest,
  encodeTxnRequest,
} from "../src/wire/gen/rpc.ts";
import { MemoryNetwork, MemoryServer } from "../test/harness/memory-grpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

/** Keys of a long range: it is read in several turns. */
const KEYS = 600;

interface Ended {
  readonly code: number;
  readonly text: string;
  readonly body: Uint8Array | undefined;
}

const bytes = bytesFromLatin1;
const OLD = { code: Errors.AuthOldRevision.code, text: Errors.AuthOldRevision.message };
const DENIED = { code: Errors.PermissionDenied.code, text: Errors.PermissionDenied.message };

describe("calls while users and roles change", () => {
  let member: SimulatedMember;
  let raw: RawConnection;
  /** Who calls; as of now where it has no revision. */
  let caller: { readonly username: string; readonly revision?: number };

  beforeEach(async () => {
    member = new SimulatedMember(new SimulatedDisk({ random: new Prng(3) }), 1_000_000);
    expect(await member.start(new Prng(1), { snapshotCount: 10_000 })).toBe(true);
    await member.until(() => member.host.member.isLeader());
    const { host } = member;
    const clock = {
      // Every look costs time: a slice is a few steps.
      nowMs: () => {
        member.clock.advance(1);
        return member.nowMs;
      },
      wallMs: () => 0,
      after: (delayMs: number, run: () => void) => member.clock.after(delayMs, run),
      defer: (run: () => void) => member.clock.defer(run),
    };
    const callers = {
      identityOf: (): AuthInfo => ({ revision: host.member.applier.auth.revision, ...caller }),
      mustWait: () => false,
    };
    const { clusterId, reads, current: compactor } = host;
    const own = { member: host.member, clusterId, clock, reads, callers, compactor };
    const methods = Object.fromEntries(kvMethods({ ...own, txnOpsMax: 128 }));
    const clients = new MemoryNetwork();
    clients.servers.set("one:1", new MemoryServer(member.clock, {}, methods));
    const opening = openRawConnection({
      endpoint: "one:1",
      connector: clients,
      clock: member.clock,
      onClosed: () => undefined,
    });
    let isOpen = false;
    void opening.then(() => {
      isOpen = true;
    });
    await settle(() => isOpen);
    raw = await opening;
    await setUp();
  });

  afterEach(() => {
    raw.close();
  });

  /** Root, and alice who may touch keys that begin with k. */
  async function setUp(): Promise<void> {
    for (const name of ["root", "alice"]) {
      const user = createAuthUserAddRequest({ name });
      await change(Operation.authUserAdd, encodeAuthUserAddRequest(user));
    }
    await change(
      Operation.authUserGrantRole,
      encodeAuthUserGrantRoleRequest({ user: "root", role: "root" }),
    );
    await change(Operation.authRoleAdd, encodeAuthRoleAddRequest({ name: "role" }));
    await change(
      Operation.authUserGrantRole,
      encodeAuthUserGrantRoleRequest({ user: "alice", role: "role" }),
    );
    await change(Operation.authRoleGrantPermission, granted("k", "l"));
    for (let at = 0; at < KEYS; at++) {
      const key = bytes(`k${String(at).padStart(3, "0")}`);
      member.propose(Operation.put, encodePutRequest(createPutRequest({ key })), () => undefined);
    }
    await change(Operation.authEnable, encodeAuthEnableRequest({}));
    caller = { username: "alice" };
  }

  const granted = (key: string, end: string, permType: number = PermissionType.READWRITE) => {
    const perm = createPermission({ permType, key: bytes(key), rangeEnd: bytes(end) });
    return encodeAuthRoleGrantPermissionRequest({ name: "role", perm });
  };

  /** Applies an entry of root. */
  async function change(field: number, body: Uint8Array): Promise<void> {
    let isDone = false;
    member.propose(field, body, () => {
      isDone = true;
    });
    expect(await member.until(() => isDone)).toBe(true);
  }

  /** Lets frames travel and the member work until `holds`. */
  async function settle(holds: () => boolean): Promise<void> {
    for (let turns = 0; turns < 5000 && !holds(); turns++) {
      member.host.poke();
      await new Promise((resolve) => setImmediate(resolve));
      await member.pass(1);
    }
    expect(holds()).toBe(true);
  }

  function call(path: string, body: Uint8Array): () => Ended | undefined {
    let ended: Ended | undefined;
    raw.grpc.unary(path, raw.metadata, body, NO_DEADLINE, ({ code, message }, answer) => {
      ended = { code, text: message, body: answer?.slice() };
    });
    return () => ended;
  }

  async function ask(path: string, body: Uint8Array): Promise<Ended> {
    const ended = call(path, body);
    await settle(() => ended() !== undefined);
    return ended() ?? { code: -1, text: "", body: undefined };
  }

  const range = (key: string, end: string, serializable = true): Uint8Array =>
    encodeRangeRequest(createRangeRequest({ key: bytes(key), rangeEnd: bytes(end), serializable }));
  const RANGE = "/etcdserverpb.KV/Range";
  const TXN = "/etcdserverpb.KV/Txn";

  test.each([true, false])(
    "a range is what its caller may read (serializable: %s)",
    async (local) => {
      const { body } = await ask(RANGE, range("k", "l", local));
      expect(decodeRangeResponse(body ?? new Uint8Array()).count).toBe(KEYS);
      expect(await ask(RANGE, range("k", "l\0", local))).toMatchObject(DENIED);
      expect(await ask(RANGE, range("k", "\0", local))).toMatchObject(DENIED);
      caller = { username: "alice", revision: 3 };
      expect(await ask(RANGE, range("k000", "", local))).toMatchObject(OLD);
      caller = { username: "mallory" };
      expect(await ask(RANGE, range("k000", "", local))).toMatchObject(DENIED);
    },
  );

  test("a linearizable range is checked when it is answered", async () => {
    const ended = call(RANGE, range("a", "", false));
    member.propose(Operation.authRoleGrantPermission, granted("a", ""), () => undefined);
    await settle(() => ended() !== undefined);
    expect(ended()).toMatchObject({ code: 0 });
  });

  test("a long range during which users or roles change is refused", async () => {
    const { applier } = member.host.member;
    let sawOld = false;
    for (let turns = 0; turns < 12 && !sawOld; turns++) {
      const ended = call(RANGE, range("k", "l"));
      for (let turn = 0; turn < turns; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
        member.clock.runDeferred();
      }
      expect(ended()?.code ?? 0).toBe(0);
      const { revision } = applier.auth;
      if (ended() === undefined) applier.auth.raiseRevision();
      await settle(() => ended() !== undefined);
      if (applier.auth.revision > revision && ended()?.code !== 0) {
        expect(ended()).toMatchObject(OLD);
        sawOld = true;
      }
    }
    expect(sawOld).toBe(true);
    expect(await ask(RANGE, range("k", "l"))).toMatchObject({ code: 0 });
  });

  const txn = (key: string): Uint8Array => {
    const value = createPutRequest({ key: bytes(key), prevKv: true });
    const put = createRequestOp({ request: { case: "requestPut", value } });
    const compare = [createCompare({ key: bytes("k000"), rangeEnd: bytes("k001") })];
    const nested = createTxnRequest({ compare, success: [put] });
    const success = [createRequestOp({ request: { case: "requestTxn", value: nested } })];
    return encodeTxnRequest(createTxnRequest({ success, failure: success }));
  };

  test("a transaction that its caller may not make is not proposed", async () => {
    const before = member.host.member.status().committedIndex;
    expect(await ask(TXN, txn("secret"))).toMatchObject(DENIED);
    expect(member.host.member.status().committedIndex).toBe(before);
    const { body } = await ask(TXN, txn("k000"));
    expect(decodeTxnResponse(body ?? new Uint8Array()).responses).toHaveLength(1);
    expect(member.host.member.status().committedIndex).toBe(before + 1);
  });

  test("what was granted in the meantime counts for a transaction", async () => {
    const ended = call(TXN, txn("new"));
    member.propose(Operation.authRoleGrantPermission, granted("new", ""), () => undefined);
    await settle(() => ended() !== undefined);
    expect(ended()).toMatchObject({ code: 0 });
  });
});
