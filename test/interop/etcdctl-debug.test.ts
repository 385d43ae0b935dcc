/** `etcdctl debug`: clusters that are well, that have lost members, and ways to a server that do not work. */
import { describe, expect, test } from "vitest";
import { CertificateFolder } from "../harness/certificates.ts";
import { withCluster } from "../harness/etcd-cluster.ts";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import { startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { freePorts } from "../harness/processes.ts";
import { REFERENCE } from "../harness/reference.ts";
import type { Program } from "../harness/cluster-member.ts";

interface Report {
  readonly verdict: string;
  readonly problems: readonly { severity: string; about: string; text: string; todo: string }[];
  readonly members: readonly { name: string; endpoint: string | null }[];
}

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function debug(endpoints: string, ...words: string[]): Promise<Outcome> {
  const all = [`--endpoints=${endpoints}`, "debug", "--sample=0", ...words];
  const { code, stdout, stderr } = await runOurEtcdctl(all);
  return { code, stdout: stdout.toString(), stderr: stderr.toString() };
}

async function report(endpoints: string, ...words: string[]): Promise<Report> {
  return JSON.parse((await debug(endpoints, "-w", "json", ...words)).stdout) as Report;
}

const PROGRAMS: Program[] = REFERENCE === undefined ? ["ours"] : ["ours", "real"];

describe.each(PROGRAMS)("etcdctl debug, with members of %s", (program) => {
  test("finds all members from one, and tells what a loss means", async () => {
    await withCluster({ members: [program, program, program] }, async (cluster) => {
      const [first, second, third] = cluster.members;
      await cluster.client().kv.put({
        key: Buffer.from("hidden-key"),
        value: Buffer.from("hidden-value"),
      });
      const all = await debug(first.endpoint, "--hash", "--sample=100ms");
      expect(all.stderr).toBe("");
      expect([all.code, all.stdout]).toEqual([0, expect.stringMatching(/^HEALTHY: /)]);
      expect(all.stdout).toMatch(
        /: 3 of 3 voting members answer, leader m\d \([0-9a-f]+\), term \d+, /,
      );
      for (const name of ["m1", "m2", "m3"]) {
        expect(all.stdout).toMatch(new RegExp(`^${name} .* (?:leader|follower) `, "m"));
      }
      expect(all.stdout).not.toContain("hidden");

      await third.kill();
      const degraded = await debug(first.endpoint, "-w", "table");
      expect(degraded.code).toBe(1);
      expect(degraded.stdout).toMatch(/^DEGRADED: /);
      expect(degraded.stdout).toContain(
        "no member may fail any more: 2 of 3 voting members answer",
      );
      expect(degraded.stdout).toMatch(/^\| +m3 \| .* no answer \|/m);

      await second.kill();
      const broken = await report(first.endpoint, "--command-timeout=1s");
      expect(broken.verdict).toBe("critical");
      expect(broken.problems[0].text).toMatch(/^there is no quorum: 1 of 3 /);
      expect(broken.problems[0].todo).toMatch(/^bring back 1 of m\d, m\d: /);
      const answers = broken.members.map(({ name, endpoint }) => [name, endpoint]).sort();
      expect(answers).toEqual([
        ["m1", first.endpoint],
        ["m2", null],
        ["m3", null],
      ]);
    });
  }, 120_000);
});

describe("etcdctl debug", () => {
  test("says what is wrong with the way to a server, and how it would be right", async () => {
    const folder = new CertificateFolder();
    const soon = folder.authority.issue({
      cn: "soon",
      dnsNames: ["localhost"],
      ipAddresses: ["127.0.0.1"],
      untilDay: 10,
    });
    const [client, peer, health, dead] = await freePorts(4);
    const server = await startEtcd({
      command: OUR_ETCD,
      ports: [client, peer],
      healthPort: health,
      flags: [
        `--listen-client-urls=https://127.0.0.1:${client}`,
        `--advertise-client-urls=https://127.0.0.1:${client}`,
        `--listen-metrics-urls=http://127.0.0.1:${health}`,
        `--cert-file=${soon.certFile}`,
        `--key-file=${soon.keyFile}`,
      ],
    });
    const short = "--command-timeout=500ms";
    const todo = async (endpoint: string, ...words: string[]): Promise<[string, string]> => {
      const { verdict, problems } = await report(endpoint, short, ...words);
      return [verdict, problems[0].todo];
    };
    try {
      expect(await todo(`127.0.0.1:${client}`)).toEqual([
        "no answer",
        expect.stringContaining("https://") as string,
      ]);
      expect(await todo(`127.0.0.1:${dead}`)).toEqual([
        "no answer",
        expect.stringContaining("nothing listens on the port") as string,
      ]);
      expect(await todo("no address")).toEqual(["no answer", expect.any(String)]);
      expect(await todo(`https://127.0.0.1:${health}`)).toEqual([
        "no answer",
        expect.stringContaining("http://") as string,
      ]);
      const secure = `https://127.0.0.1:${client}`;
      const untrusted = await report(secure, short);
      expect(untrusted.problems.some(({ text }) => text.includes("is not believed"))).toBe(true);
      const trusted = await debug(secure, short, `--cacert=${folder.authority.caFile}`);
      expect(trusted.stdout).toMatch(/^DEGRADED: /);
      expect(trusted.stdout).toMatch(/its certificate \(soon\) expires in \d+ days/);
      expect(trusted.stdout).toMatch(/^https:\S+ +soon +20\S+Z +\d+ +yes$/m);
    } finally {
      await server.remove();
      folder.remove();
    }
  }, 60_000);

  test("refuses arguments and forms that it does not have", async () => {
    expect(await debug("127.0.0.1:1", "x")).toEqual({
      code: 128,
      stdout: "",
      stderr:
        'Error: debug command does not accept any arguments; did you mean "etcdctl defrag", or the flag --debug?\n',
    });
    expect((await debug("127.0.0.1:1", "-w", "fields")).code).toBe(4);
  });
});
