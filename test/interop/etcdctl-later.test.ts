/** What etcdctl has in later releases than this one: hidden flags and commands, with our server. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthService } from "../../src/wire/gen/services.ts";
import { withCluster } from "../harness/etcd-cluster.ts";
import { runOurEtcdctl } from "../harness/etcdctl-inprocess.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { openRawCaller } from "../harness/raw-calls.ts";

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  /** The last line of the error stream. */
  readonly error: string;
}

async function run(
  endpoint: string,
  words: readonly string[],
  environment: Record<string, string> = {},
): Promise<Outcome> {
  const all = [`--endpoints=${endpoint}`, ...words];
  const { code, stdout, stderr } = await runOurEtcdctl(all, { environment });
  const error = stderr.toString().split("\n").at(-2) ?? "";
  return { code, stdout: stdout.toString(), error };
}

describe("etcdctl, as later releases have it", () => {
  let server: EtcdProcess | undefined;
  let endpoint = "";

  beforeAll(async () => {
    server = await startEtcd({ command: OUR_ETCD, flags: ["--bcrypt-cost=4"] });
    ({ endpoint } = server);
  }, 60_000);

  afterAll(async () => {
    await server?.remove();
  });

  test("lists members as a quorum or as one of them knows them", async () => {
    const known = await run(endpoint, ["member", "list"]);
    expect(known.code).toBe(0);
    for (const letter of ["l", "s"]) {
      const words = ["member", "list", `--consistency=${letter}`];
      expect(await run(endpoint, words)).toEqual(known);
    }
    const refused = await run(endpoint, ["member", "list", "--consistency=x"]);
    expect(refused).toEqual({
      code: 4,
      stdout: "",
      error: 'Error: unknown consistency flag "x"',
    });
  });

  test("bounds requests and answers in bytes", async () => {
    expect((await run(endpoint, ["put", "big", "x".repeat(1000)])).code).toBe(0);
    const get = ["get", "big", "--print-value-only"];
    expect((await run(endpoint, [...get, "--max-recv-bytes=1100"])).stdout).toHaveLength(1001);
    const tooLong = await run(endpoint, [...get, "--max-recv-bytes=100"]);
    expect(tooLong.code).toBe(1);
    expect(tooLong.error).toMatch(
      /^Error: rpc error: code = ResourceExhausted desc = grpc: received message larger than max \(\d+ vs\. 100\)$/,
    );
    const put = ["put", "big", "x".repeat(1000), "--max-request-bytes=1000"];
    expect((await run(endpoint, put)).error).toMatch(
      /^Error: rpc error: code = ResourceExhausted desc = trying to send message larger than max \(\d+ vs\. 1000\)$/,
    );
    const byVariable = await run(endpoint, get, { ETCDCTL_MAX_RECV_BYTES: "100" });
    expect(byVariable).toEqual(tooLong);
    expect(await run(endpoint, [...get, "--max-recv-bytes=5", "--max-request-bytes=6"])).toEqual({
      code: 2,
      stdout: "",
      error: "Error: gRPC message recv limit (5 bytes) must be greater than send limit (6 bytes)",
    });
  });

  test("has commands that no page names, and no beginning of a name means them", async () => {
    const options = await run(endpoint, ["options"]);
    expect(options.stdout).toMatch(
      /^The following options can be passed to any command:\n\n {6}--/,
    );
    for (const flag of ["--auth-jwt-token", "--max-recv-bytes", "-w, --write-out", "--user"]) {
      expect(options.stdout).toContain(flag);
    }
    const help = (await run(endpoint, ["--help"])).stdout;
    for (const hidden of ["options\t", "downgrade", "max-recv", "jwt"]) {
      expect(help).not.toContain(hidden);
    }
    const compaction = await run(endpoint, ["comp", "0"]);
    expect(compaction.stdout).toBe("compacted revision 0\n");
    const streamed = await run(endpoint, ["get", "a", "--stream"]);
    expect(streamed.code).toBe(4);
    expect(streamed.error).toContain("which this release does not have");
  });

  test("tells of connections with --debug, and of no secret", async () => {
    const words = [`--endpoints=${endpoint},127.0.0.1:1`, "get", "big", "--debug", "--user=a:toor"];
    const { stderr } = await runOurEtcdctl([...words, "--auth-jwt-token="]);
    const lines = stderr.toString();
    expect(lines).toContain(`ETCDCTL_ENDPOINTS=[${endpoint},127.0.0.1:1]\n`);
    expect(lines).toMatch(
      /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d INFO: \[core\] \[Channel #\d+ SubChannel #\d+\]Subchannel Connectivity change to READY$/m,
    );
    expect(lines).toMatch(/ WARNING: .*127\.0\.0\.1:1: connect: connection refused"$/m);
    expect(lines).not.toContain("toor");
  });

  test("takes a token instead of a user", async () => {
    for (const words of [
      ["user", "add", "root:toor"],
      ["user", "grant-role", "root", "root"],
      ["auth", "enable"],
    ]) {
      expect((await run(endpoint, words)).code).toBe(0);
    }
    const caller = await openRawCaller(endpoint);
    const { path: rpc, request, response } = AuthService.authenticate;
    const asked = request.encode(request.create({ name: "root", password: "toor" }));
    const { body } = await caller.call(rpc, asked);
    caller.close();
    const { token } = response.decode(body ?? new Uint8Array());
    const get = ["get", "big", "--keys-only"];
    expect((await run(endpoint, get)).error).toBe("Error: etcdserver: user name is empty");
    expect((await run(endpoint, [...get, `--auth-jwt-token=${token}`])).stdout).toBe("big\n\n");
    expect((await run(endpoint, get, { ETCDCTL_AUTH_JWT_TOKEN: token })).stdout).toBe("big\n\n");
    const status = ["endpoint", "status", "-w", "json", `--auth-jwt-token=${token}`];
    expect((await run(endpoint, status)).code).toBe(0);
    const unknown = await run(endpoint, [...get, "--auth-jwt-token=nonsense"]);
    expect(unknown.error).toBe("Error: etcdserver: invalid auth token");
    const both = await run(endpoint, [...get, "--auth-jwt-token=x", "--user=root:toor"]);
    expect(both).toEqual({
      code: 128,
      stdout: "",
      error: "Error: Username/Password and Token configurations are mutually exclusive",
    });
  });
});

describe("etcdctl without a quorum", () => {
  test("lists the members, and has them in its report", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "no-quorum-"));
    await withCluster({ members: ["ours", "ours"] }, async (cluster) => {
      const [left, gone] = cluster.members;
      const before = await run(left.endpoint, ["member", "list"]);
      await gone.kill();
      const short = "--command-timeout=1s";
      expect((await run(left.endpoint, ["member", "list", short])).code).toBe(1);
      const own = await run(left.endpoint, ["member", "list", short, "--consistency=s"]);
      expect(own).toEqual(before);

      const file = path.join(folder, "report.tar.gz");
      const report = await run(left.endpoint, [
        "diagnostic",
        "--cluster",
        short,
        `--output-file=${file}`,
      ]);
      expect(report.code).toBe(0);
      expect(report.stdout).toContain(`//${left.endpoint}: no health: context deadline exceeded\n`);
      expect(report.stdout).toMatch(
        /^member [0-9a-f]+ \(m2\) has not answered, or was not asked$/m,
      );
      expect(report.stdout).not.toContain(`//${left.endpoint}: no members`);
    });
    fs.rmSync(folder, { recursive: true });
  }, 120_000);

  test("says that nobody answers a report, and leaves it behind nevertheless", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "no-answer-"));
    const file = path.join(folder, "report.tar.gz");
    const words = ["diagnostic", "--command-timeout=200ms", `--output-file=${file}`];
    const report = await run("127.0.0.1:1", words);
    expect(report.code).toBe(1);
    expect(report.error).toMatch(/^Error: no endpoint has answered anything: look at --endpoints/);
    expect(fs.existsSync(file)).toBe(true);
    fs.rmSync(folder, { recursive: true });
  });
});
