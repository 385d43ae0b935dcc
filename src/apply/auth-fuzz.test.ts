/**
 * Entries on users and roles with whatever a log can hold: odd, huge and ill-formed names, ranges and hashes,
 * entries of nobody and of old revisions, and entries with bytes changed. Applying them never fails, and the
 * state in memory is what the database alone gives.
 */
import { expect, test } from "vitest";
import { dumpAuth } from "../../sim/auth-dump.ts";
import { MemoryLog } from "../../sim/memory-log.ts";
import { closeApplier, freshDisk, openApplier } from "../../test/harness/applied-state.ts";
import { requestHeaderOf } from "../auth/auth-info.ts";
import { NO_TOKENS } from "../auth/token-table.ts";
import { base64FromBytes } from "../stdx/base64.ts";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { Prng } from "../stdx/prng.ts";
import {
  createInternalRaftRequest,
  decodeInternalRaftRequest,
  encodeInternalRaftRequest,
  type InternalRaftRequestOperation,
  type RequestHeader,
} from "../wire/gen/raft-internal.ts";
import { EntryType } from "../wire/gen/raft.ts";
import { WireError } from "../wire/wire-error.ts";
import type { Applier } from "./applier.ts";
import { UnsupportedEntryError } from "./cluster-operations.ts";

const SEEDS = Number(process.env["AUTH_FUZZ_SEEDS"] ?? 25);
const FIRST_SEED = Number(process.env["AUTH_FUZZ_SEED"] ?? 1);
const ENTRIES = 250;

const NAMES = [
  "root",
  "root",
  "alice",
  "bob",
  "",
  "\0",
  "\uFFFD",
  "é",
  "𝒜",
  "ZZ",
  "x".repeat(32_769),
];
const KEYS = ["", "\0", "a", "b", "\xff", "\xff\xff", "k".repeat(100_000)];
const HASHES = ["", "!", "AA==", "AA", base64FromBytes(new Uint8Array(60))];

/** What authentication needs, for lives that have it from the start. */
const SET_UP: readonly InternalRaftRequestOperation[] = [
  {
    case: "authUserAdd",
    value: { name: "root", password: "", hashedPassword: "", options: undefined },
  },
  { case: "authUserGrantRole", value: { user: "root", role: "root" } },
  { case: "authEnable", value: {} },
];

function randomOperation(prng: Prng): InternalRaftRequestOperation {
  const [name, role] = [prng.pick(NAMES), prng.pick(NAMES)];
  const hashedPassword = prng.pick(HASHES);
  const [key, rangeEnd] = [prng.pick(KEYS), prng.pick(KEYS)].map(bytesFromLatin1);
  const options = prng.chance(0.5) ? { noPassword: prng.chance(0.5) } : undefined;
  const permType = prng.pick([0, 1, 2, 3, -1, 2_147_483_647]);
  const perm = prng.chance(0.9) ? { permType, key, rangeEnd } : undefined;
  const all: InternalRaftRequestOperation[] = [
    { case: "authEnable", value: {} },
    { case: "authDisable", value: {} },
    { case: "authStatus", value: {} },
    { case: "authenticate", value: { name, password: "", simpleToken: role } },
    { case: "authUserAdd", value: { name, password: "", hashedPassword, options } },
    { case: "authUserAdd", value: { name, password: "", hashedPassword, options } },
    { case: "authUserDelete", value: { name } },
    { case: "authUserChangePassword", value: { name, password: "", hashedPassword } },
    { case: "authUserGrantRole", value: { user: name, role } },
    { case: "authUserGrantRole", value: { user: name, role } },
    { case: "authUserRevokeRole", value: { name, role } },
    { case: "authUserGet", value: { name } },
    { case: "authUserList", value: {} },
    { case: "authRoleAdd", value: { name } },
    { case: "authRoleAdd", value: { name } },
    { case: "authRoleDelete", value: { role } },
    { case: "authRoleGet", value: { role } },
    { case: "authRoleList", value: {} },
    { case: "authRoleGrantPermission", value: { name, perm } },
    { case: "authRoleGrantPermission", value: { name, perm } },
    { case: "authRoleRevokePermission", value: { role, key, rangeEnd } },
  ];
  return prng.pick(all);
}

function encoded(header: RequestHeader, operation: InternalRaftRequestOperation): Uint8Array {
  return encodeInternalRaftRequest(createInternalRaftRequest({ header, operation })).slice();
}

/** An entry that a log can hold: it can be decoded, and is still about users and roles. */
function randomEntry(prng: Prng, index: number, applier: Applier): Uint8Array | undefined {
  const { revision } = applier.auth;
  const named = { username: prng.pick(["root", "root", "root", "alice", ""]), revision };
  const old = { username: "root", revision: prng.below(revision + 3) };
  const caller = prng.pick([named, named, named, old, undefined]);
  const header = requestHeaderOf(BigInt(index), caller);
  const data = encoded(header, randomOperation(prng));
  for (let changes = prng.chance(0.2) ? prng.between(1, 3) : 0; changes > 0; changes--) {
    data[prng.below(data.length)] = prng.below(256);
  }
  try {
    const changed = decodeInternalRaftRequest(data).operation?.case;
    return changed?.startsWith("auth") === true ? data : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

test(
  "any entry on users and roles can be applied, and leaves what the database holds",
  () => {
    let enabled = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const prng = new Prng(seed);
      const disk = freshDisk();
      const log = new MemoryLog();
      let applier = openApplier(disk, log, NO_TOKENS);
      for (let index = 1; index <= ENTRIES; index++) {
        const first = seed % 2 === 0 ? SET_UP[index - 1] : undefined;
        const data =
          first === undefined
            ? randomEntry(prng, index, applier)
            : encoded(requestHeaderOf(BigInt(index), undefined), first);
        if (data === undefined) continue;
        const entry = { type: EntryType.EntryNormal, term: 1, index, data };
        try {
          applier.apply(entry, data, 0);
        } catch (error) {
          // Passwords as they are, or an operation that no version has.
          if (!(error instanceof UnsupportedEntryError)) {
            throw new Error(`AUTH_FUZZ_SEED=${seed} AUTH_FUZZ_SEEDS=1 fails`, { cause: error });
          }
        }
        // The bytes of an entry are only lent.
        data.fill(0);
        if (applier.auth.enabled) enabled++;
      }
      const before = dumpAuth(applier.auth);
      closeApplier(disk, applier);
      applier = openApplier(disk, log, NO_TOKENS);
      expect(dumpAuth(applier.auth), `AUTH_FUZZ_SEED=${seed}`).toBe(before);
      applier.backend.close();
    }
    expect(enabled).toBeGreaterThan(SEEDS * 10);
  },
  60_000 + 2000 * SEEDS,
);
