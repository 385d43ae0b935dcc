/**
 * The same random changes of users and roles, and the same requests of users who may make some of them, to the
 * real etcd and to ours: the same answers, byte by byte, the same errors, and the same users, roles and keys at
 * the end; also after each has gone on with what the other had left.
 */
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Prng } from "../../src/stdx/prng.ts";
import { bytesFromHex, hexFromBytes } from "../../src/stdx/bytes.ts";
import { decodeUser, encodeUser } from "../../src/wire/gen/auth.ts";
import { LeaseService } from "../../src/wire/gen/services.ts";
import { describeAnswer, describeMessage, isSameAnswer } from "../harness/answer-difference.ts";
import { AuthOperations, setUpOperations, type UserOperation } from "../harness/auth-operations.ts";
import { type BucketDump, dumpBuckets } from "../harness/bucket-dump.ts";
import { REFERENCE } from "../harness/reference.ts";
import { TwinServers } from "../harness/twin-servers.ts";
import { UserSessions } from "../harness/user-sessions.ts";

const SEED = Number(process.env["AUTH_SEED"] ?? 1);
const OPERATIONS = Number(process.env["AUTH_OPERATIONS"] ?? 1500);

/** Of the release that ours is compared with only those that have a token are asked who they are. */
const LEASE_METHODS: ReadonlySet<unknown> = new Set(Object.values(LeaseService));

describe.skipIf(REFERENCE === undefined)("random requests of users", () => {
  let pair: TwinServers;
  const said = new Map<string, number>();

  beforeAll(async () => {
    pair = await TwinServers.start(["--bcrypt-cost=4"]);
  });

  afterAll(() => pair.remove());

  async function operate(operations: Iterable<UserOperation>): Promise<void> {
    const [real, ours] = pair.callers.map((caller) => new UserSessions(caller));
    let made = 0;
    for (const operation of operations) {
      const { user } = operation;
      const isStranger = (await real.tokenOf(user)) === undefined;
      expect((await ours.tokenOf(user)) === undefined, `whether ${user} is known`).toBe(isStranger);
      if (isStranger && LEASE_METHODS.has(operation.method)) continue;
      const first = await real.call(operation);
      const second = await ours.call(operation);
      made++;
      said.set(first.text, (said.get(first.text) ?? 0) + 1);
      if (isSameAnswer(operation, first, second)) continue;
      expect.fail(
        [
          `seed ${SEED}, operation ${made}: ${operation.method.method} of ${user}`,
          describeMessage(operation.request),
          `real: ${describeAnswer(operation, first)}`,
          `ours: ${describeAnswer(operation, second)}`,
          pair.lastWords(),
        ].join("\n"),
      );
    }
  }

  function* random(prng: Prng, count: number): Iterable<UserOperation> {
    const operations = new AuthOperations(prng, true);
    for (let made = 0; made < count; made++) yield operations.next();
  }

  test("are answered alike", async () => {
    await operate(setUpOperations());
    await operate(random(new Prng(SEED), OPERATIONS));
    expect(said.get(""), JSON.stringify([...said])).toBeGreaterThan(OPERATIONS / 8);
    expect(said.get("etcdserver: permission denied")).toBeGreaterThan(OPERATIONS / 20);
  }, 120_000);

  test("are answered alike on what the other has left", async () => {
    await pair.restart({ swap: true });
    await operate(random(new Prng(SEED + 1), OPERATIONS / 5));
  }, 60_000);

  test("leave the same users, roles and keys", async () => {
    const folders = pair.servers.map(({ dataDir }) => dataDir);
    await pair.stop();
    const [real, ours] = folders.map((folder) => dumpOf(folder));
    for (const bucket of ["auth", "authRoles", "authUsers", "key", "lease"]) {
      expect(ours[bucket], bucket).toEqual(real[bucket]);
    }
  });
});

/** Without passwords, which everybody hashes in another way. */
function dumpOf(dataDir: string): BucketDump {
  const dump = dumpBuckets(path.join(dataDir, "member", "snap", "db"));
  const users = Object.entries(dump["authUsers"] ?? {}).map(([key, value]) => {
    const user = decodeUser(bytesFromHex(value) ?? new Uint8Array(0));
    user.password = new Uint8Array(user.password.length);
    return [key, hexFromBytes(encodeUser(user))] as const;
  });
  return { ...dump, authUsers: Object.fromEntries(users) };
}
