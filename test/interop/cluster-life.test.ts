/**
 * How members of a cluster begin, end and come back, as processes: founding, joining, restarts, refusals, a
 * removal, a lost majority, a restored snapshot; members of ours, real ones, and both together.
 */
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { bytesFromUtf8, utf8FromBytes } from "../../src/stdx/bytes.ts";
import type { ClusterMember, Program } from "../harness/cluster-member.ts";
import { type EtcdCluster, withCluster } from "../harness/etcd-cluster.ts";
import { startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD, OUR_ETCDUTL } from "../harness/our-etcd.ts";
import { runProgram } from "../harness/processes.ts";
import { REFERENCE, runReference } from "../harness/reference.ts";
import { sleep } from "../harness/sleep.ts";
import { connectClient } from "../harness/socket-client.ts";

const TIMEOUT_MS = 120_000;

/** The membership may be changed before the members have been connected for five seconds. */
const AT_ONCE = ["--strict-reconfig-check=false"];

const key = bytesFromUtf8("key");

async function put(cluster: EtcdCluster, member: ClusterMember, value: string): Promise<void> {
  await cluster.clientOf(member).kv.put({ key, value: bytesFromUtf8(value) });
}

async function get(cluster: EtcdCluster, member: ClusterMember): Promise<string> {
  const { kvs } = await cluster.clientOf(member).kv.range({ key });
  return kvs.map(({ value }) => utf8FromBytes(value)).join();
}

/** What a member has logged since it had logged `before`. */
function saidSince(member: ClusterMember, before: number): Record<string, unknown>[] {
  const lines = member.log().slice(before).split("\n");
  return lines
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function messagesOf(said: readonly Record<string, unknown>[]): unknown[] {
  return said.map(({ msg }) => msg);
}

describe("three members of ours", { timeout: TIMEOUT_MS }, () => {
  test("elect a leader, serve, and survive the restart of each", async () => {
    await withCluster({ members: ["ours", "ours", "ours"] }, async (cluster) => {
      const leader = await cluster.untilLeader();
      const others = cluster.members.filter((member) => member !== leader);
      const onPeerUrl = connectClient([leader.peerUrl]);
      await onPeerUrl.kv.put({ key, value: bytesFromUtf8("on the peer URL") });
      onPeerUrl.close();
      for (const [round, member] of [leader, ...others].entries()) {
        const mark = member.log().length;
        const ended = member.untilEnded();
        await member.stop();
        expect(await ended).toBeNull();
        if (member === leader) {
          const said = messagesOf(saidSince(member, mark));
          expect(said).toContain("leadership transfer starting");
          expect(said).toContain("leadership transfer finished");
          expect(said.indexOf("closing etcd server")).toBeLessThan(
            said.indexOf("closed etcd server"),
          );
        }
        const rest = cluster.running[0];
        await put(cluster, rest, `${round}`);
        await cluster.restart(member);
        expect(await get(cluster, member)).toBe(`${round}`);
      }
      await cluster.expectEqualHashes();
    });
  });

  test("say so when one of them was removed, and it ends", async () => {
    await withCluster({ members: ["ours", "ours", "ours"], flags: AT_ONCE }, async (cluster) => {
      const leader = await cluster.untilLeader();
      const removed = cluster.members.find((member) => member !== leader) ?? leader;
      let mark = removed.log().length;
      let ended = removed.untilEnded();
      await cluster.expel(removed);
      const expectFarewell = async (): Promise<void> => {
        expect(await ended).toBe(0);
        const warnings = saidSince(removed, mark).filter(({ msg }) => FAREWELL.has(msg));
        expect(warnings).toEqual([
          expect.objectContaining({
            level: "warn",
            msg: "server error",
            error: "the member has been permanently removed from the cluster",
          }),
          expect.objectContaining({
            level: "warn",
            msg: "data-dir used by this member must be removed",
          }),
        ]);
      };
      await expectFarewell();
      mark = removed.log().length;
      removed.start({ members: "", state: "existing" });
      ended = removed.untilEnded();
      await expectFarewell();
    });
  });

  test("wait for each other, and can be ended meanwhile", async () => {
    const members: Program[] = ["ours", "ours", "ours"];
    await withCluster({ members, unawaited: true }, async (cluster) => {
      const [waiting, ...others] = cluster.members;
      for (const other of others) await other.kill();
      await waiting.untilPeersServed(20_000);
      expect(await waiting.isHealthy(100)).toBe(false);
      const ended = waiting.untilEnded();
      await waiting.stop();
      expect(await ended).toBeNull();
      expect(messagesOf(saidSince(waiting, 0))).toContain("closed etcd server");
    });
  });
});

const FAREWELL: ReadonlySet<unknown> = new Set([
  "server error",
  "data-dir used by this member must be removed",
]);

describe.skipIf(REFERENCE === undefined)(
  "members of ours and real ones",
  { timeout: TIMEOUT_MS },
  () => {
    test("found a cluster together, and know a founder that has lost its data", async () => {
      await withCluster({ members: ["ours", "real", "ours"] }, async (cluster) => {
        const [ours, real, second] = cluster.members;
        await put(cluster, ours, "1");
        expect(await get(cluster, real)).toBe("1");
        const id = (await cluster.idOf(ours)).toString(16);
        await ours.stop();
        ours.wipe();
        const founding = { members: membersOf(cluster), state: "new" as const };
        ours.start(founding);
        expect(await ours.untilEnded()).toBe(1);
        expect(saidSince(ours, 0)).toContainEqual(
          expect.objectContaining({
            level: "fatal",
            error: `member ${id} has already been bootstrapped`,
          }),
        );
        await put(cluster, second, "2");
        expect(await get(cluster, real)).toBe("2");
      });
    });

    test.each<[string, Program, Program]>([
      ["ours joins real ones", "real", "ours"],
      ["a real one joins ours", "ours", "real"],
    ])("%s, as learner and as voter", async (_, founder, joiner) => {
      await withCluster({ members: [founder], flags: AT_ONCE }, async (cluster) => {
        const [first] = cluster.members;
        await put(cluster, first, "1");
        const learner = await cluster.join(joiner, { learner: true });
        await cluster.promote(learner);
        const voter = await cluster.join(joiner);
        await put(cluster, voter, "2");
        expect(await get(cluster, learner)).toBe("2");
        await cluster.moveLeader(voter);
        await put(cluster, first, "3");
        await cluster.expectEqualHashes();
      });
    });

    test("join also when the process dies before its first entry", async () => {
      await withCluster({ members: ["real"], flags: AT_ONCE }, async (cluster) => {
        await put(cluster, cluster.members[0], "1");
        const joiner = await cluster.join("ours", { unawaited: true });
        while (!joiner.log().includes("starting local member")) await sleep(1);
        await joiner.kill();
        await cluster.restart(joiner);
        expect(await get(cluster, joiner)).toBe("1");
      });
    });

    test("refuse to join a cluster that does not fit their flags, in the same words", async () => {
      await withCluster({ members: ["real"], flags: AT_ONCE }, async (cluster) => {
        const [member] = cluster.members;
        await cluster.add("http://127.0.0.1:1");
        const known = `m1=${member.peerUrl}`;
        for (const initial of [
          `m0=http://127.0.0.1:1,${known},m9=http://127.0.0.1:9`,
          `m0=http://127.0.0.1:2,${known}`,
          `m0=http://127.0.0.1:1,m1=${member.peerUrl},m2=${member.peerUrl}`,
        ]) {
          const [real, ours] = await Promise.all(
            PROGRAMS.map((program) => refusalToJoin(program, initial)),
          );
          expect(real).not.toBe("");
          expect(ours).toBe(real);
        }
      });
    });

    test("--force-new-cluster makes a cluster of one out of one of three, as there", async () => {
      await withCluster({ members: ["real", "real", "real"] }, async (cluster) => {
        const [survivor] = cluster.members;
        await put(cluster, survivor, "1");
        // Stopped, not killed: 3.5.16 drops what only its database knows to be committed, later ones do not.
        await survivor.stop();
        for (const member of cluster.members) await member.kill();
        const outcomes: unknown[] = [];
        for (const [at, program] of PROGRAMS.entries()) {
          const dataDir = `${survivor.dataDir}.${at}`;
          fs.cpSync(survivor.dataDir, dataDir, { recursive: true });
          outcomes.push(await forceNewCluster(dataDir, program, PROGRAMS[1 - at]));
        }
        expect(outcomes[1]).toEqual(outcomes[0]);
        expect(outcomes[1]).toMatchObject({ members: [expect.anything()], value: "1" });
      });
    });

    test("a snapshot becomes a cluster of three, of both programs", async () => {
      await withCluster({ members: ["ours"] }, async (source) => {
        await put(source, source.members[0], "1");
        const file = path.join(source.folder, "snapshot.db");
        const saved = await runReference("etcdctl", [
          `--endpoints=${source.members[0].endpoint}`,
          ...["snapshot", "save", file],
        ]);
        expect(saved.code, saved.stderr.toString()).toBe(0);
        const restore = (member: ClusterMember, members: string): Promise<void> =>
          restoreInto(member, members, file);
        const members: Program[] = ["ours", "real", "ours"];
        await withCluster({ members, prepare: restore }, async (cluster) => {
          for (const member of cluster.members) expect(await get(cluster, member)).toBe("1");
          await put(cluster, cluster.members[2], "2");
          expect(await get(cluster, cluster.members[1])).toBe("2");
          await cluster.expectEqualHashes();
        });
      });
    });
  },
);

const PROGRAMS: readonly Program[] = ["real", "ours"];

function commandOf(program: Program): { readonly command?: readonly string[] } {
  return program === "ours" ? { command: OUR_ETCD } : {};
}

/** What a start on an empty directory as member m0 of `initial`, which exists, is refused with. */
async function refusalToJoin(program: Program, initial: string): Promise<string> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-join-"));
  const args = [
    ...["--name=m0", `--data-dir=${folder}`, `--initial-cluster=${initial}`],
    "--initial-cluster-state=existing",
    "--listen-peer-urls=http://127.0.0.1:0",
    "--listen-client-urls=http://127.0.0.1:0",
    "--advertise-client-urls=http://127.0.0.1:0",
  ];
  const [tool, ...words] = OUR_ETCD;
  try {
    const { code, stderr } =
      program === "ours"
        ? await runProgram(tool, [...words, ...args])
        : await runReference("etcd", args);
    expect(code).toBe(1);
    const lines = stderr.toString().split("\n");
    const fatal = lines.find((line) => line.includes('"level":"fatal"')) ?? "{}";
    const { error = "" } = JSON.parse(fatal) as { readonly error?: string };
    // Members come in the order of a map of Go.
    return error.replace(/&\{ID.*\}\}/, (members) =>
      members.replace(/^&/, "").split(" &").sort().join(" &"),
    );
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** What is left after a start with --force-new-cluster; the other program goes on from there. */
async function forceNewCluster(dataDir: string, program: Program, next: Program): Promise<unknown> {
  const flags = ["--force-new-cluster"];
  const forced = await startEtcd({ ...commandOf(program), dataDir, flags });
  const client = connectClient([forced.endpoint]);
  const { members } = await client.cluster.memberList();
  const { header, raftTerm, raftIndex } = await client.maintenance.status(forced.endpoint);
  const { hash } = await client.maintenance.hashKv(forced.endpoint, header?.revision ?? 0);
  client.close();
  await forced.stop();
  const again = await startEtcd({ ...commandOf(next), dataDir });
  const second = connectClient([again.endpoint]);
  const { kvs } = await second.kv.range({ key });
  const after = await second.cluster.memberList();
  second.close();
  await again.stop();
  return {
    members: members.map(({ id, peerUrls }) => ({ id, peerUrls })),
    after: after.members.length,
    ...{ raftTerm, raftIndex, hash },
    value: kvs.map(({ value }) => utf8FromBytes(value)).join(),
  };
}

/** Restores a snapshot with the tool of the program that will run on it. */
async function restoreInto(member: ClusterMember, members: string, file: string): Promise<void> {
  const args = [
    ...["snapshot", "restore", file, `--name=${member.name}`, `--data-dir=${member.dataDir}`],
    `--initial-cluster=${members}`,
    `--initial-advertise-peer-urls=${member.peerUrl}`,
  ];
  const [tool, ...words] = OUR_ETCDUTL;
  const finished =
    member.program === "ours"
      ? await runProgram(tool, [...words, ...args])
      : await runReference("etcdutl", args);
  expect(finished.code, finished.stderr.toString()).toBe(0);
}

function membersOf(cluster: EtcdCluster): string {
  return cluster.members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",");
}
