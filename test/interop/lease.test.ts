/**
 * The same conversation about leases with the real etcd and with ours: every answer is the same, with ids
 * that a server chose and seconds that pass masked.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GrpcCode } from "../../src/errors/codes.ts";
import { bytesFromLatin1, latin1FromBytes } from "../../src/stdx/bytes.ts";
import type { MethodInfo } from "../../src/wire/codec.ts";
import {
  createCompare,
  createDeleteRangeRequest,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  decodeLeaseGrantResponse,
  decodeLeaseLeasesResponse,
  decodeLeaseTimeToLiveResponse,
  decodeRangeResponse,
  CompareTarget,
} from "../../src/wire/gen/rpc.ts";
import { KVService, LeaseService } from "../../src/wire/gen/services.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { type KeepAliveCaller, openKeepAliveCaller } from "../harness/keep-alive-calls.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { openRawCaller, type RawCaller } from "../harness/raw-calls.ts";
import { REFERENCE, runReference } from "../harness/reference.ts";

type Line = readonly unknown[];

const text = bytesFromLatin1;

/** Seconds between a grant and a look at it that still count as the same moment. */
const SECONDS_SLACK = 5;

/** One server, and everything it said. */
class Conversation {
  readonly lines: Line[] = [];
  readonly #caller: RawCaller;
  readonly #keepAlives: KeepAliveCaller;

  private constructor(caller: RawCaller, keepAlives: KeepAliveCaller) {
    this.#caller = caller;
    this.#keepAlives = keepAlives;
  }

  static async open({ endpoint }: EtcdProcess): Promise<Conversation> {
    return new Conversation(await openRawCaller(endpoint), await openKeepAliveCaller(endpoint));
  }

  close(): void {
    this.#caller.close();
    this.#keepAlives.close();
  }

  /** Calls a method and notes the answer as `tell` shows it. */
  async ask(
    method: MethodInfo<object, object>,
    request: object,
    tell: (body: Uint8Array) => unknown = (body) => method.response.decode(body),
  ): Promise<Uint8Array | undefined> {
    const bytes = method.request.encode(method.request.create(request));
    const { code, text: message, body } = await this.#caller.call(method.path, bytes);
    const shown = body === undefined ? "" : tell(body);
    this.lines.push([method.path.split("/")[2], request, code, message, masked(shown)]);
    return body;
  }

  async grant(id: bigint, ttl: number): Promise<bigint> {
    const body = await this.ask(LeaseService.leaseGrant, { id, ttl }, (bytes) => {
      const response = decodeLeaseGrantResponse(bytes);
      expect(response.id > 0n || id < 0n).toBe(true);
      return id === 0n ? { ...response, id: "chosen" } : response;
    });
    return body === undefined ? 0n : decodeLeaseGrantResponse(body).id;
  }

  put(key: string, lease: bigint, others: object = {}): Promise<unknown> {
    return this.ask(KVService.put, createPutRequest({ key: text(key), lease, ...others }));
  }

  delete(key: string): Promise<unknown> {
    return this.ask(KVService.deleteRange, createDeleteRangeRequest({ key: text(key) }));
  }

  /** The seconds left are compared with those granted: they may be a few less. */
  timeToLive(id: bigint, keys: boolean): Promise<unknown> {
    return this.ask(LeaseService.leaseTimeToLive, { id, keys }, (bytes) => {
      const response = decodeLeaseTimeToLiveResponse(bytes);
      const { ttl, grantedTtl } = response;
      const isFresh = ttl <= grantedTtl && ttl > grantedTtl - SECONDS_SLACK;
      const names = response.keys.map((key) => latin1FromBytes(key)).sort();
      return { ...response, ttl: isFresh ? "fresh" : ttl, keys: names };
    });
  }

  async keepAlive(ids: readonly bigint[]): Promise<void> {
    const { answers, code, text: message } = await this.#keepAlives.keepAlive(ids);
    this.lines.push(["LeaseKeepAlive", ids, code, message, answers.map(masked)]);
  }

  leases(chosen: readonly bigint[] = []): Promise<unknown> {
    return this.ask(LeaseService.leaseLeases, {}, (bytes) => {
      const { header, leases } = decodeLeaseLeasesResponse(bytes);
      return { header, leases: leases.map(({ id }) => (chosen.includes(id) ? "chosen" : id)) };
    });
  }

  /** Keys with their leases. */
  async keys(): Promise<void> {
    const all = createRangeRequest({ key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) });
    await this.ask(KVService.range, all, (body) => decodeRangeResponse(body));
  }

  async revokeQuietly(id: bigint): Promise<void> {
    const { path, request } = LeaseService.leaseRevoke;
    const bytes = request.encode(request.create({ id }));
    expect(await this.#caller.call(path, bytes)).toMatchObject({ code: 0 });
  }

  /** Waits until the lease is gone, without a trace. */
  async untilGone(id: bigint): Promise<void> {
    const { path, request } = LeaseService.leaseTimeToLive;
    const bytes = request.encode(request.create({ id }));
    for (;;) {
      const { body } = await this.#caller.call(path, bytes);
      if (body !== undefined && decodeLeaseTimeToLiveResponse(body).ttl === -1) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Terms differ with the number of starts. */
function masked(response: unknown): unknown {
  if (typeof response !== "object" || response === null || !("header" in response)) return response;
  const { header } = response;
  if (typeof header !== "object") return response;
  return { ...response, header: { ...header, raftTerm: "masked" } };
}

async function lifeOfLeases(talk: Conversation): Promise<void> {
  await talk.leases();
  await talk.grant(7n, 1000);
  await talk.grant(7n, 1000);
  await talk.grant(8n, 9_000_000_000);
  await talk.grant(9n, 9_000_000_001);
  await talk.grant(10n, 0);
  await talk.grant(11n, -5);
  await talk.grant(-3n, 500);
  await talk.grant(2n ** 63n - 1n, 400);
  const chosen = await talk.grant(0n, 100);
  await talk.keepAlive([7n, 10n, 11n, 12345n, 7n]);
  await talk.keepAlive([]);
  await talk.timeToLive(7n, true);
  await talk.timeToLive(12345n, true);
  await talk.timeToLive(0n, false);
  await talk.ask(LeaseService.leaseRevoke, { id: 12345n });
  await talk.ask(LeaseService.leaseRevoke, { id: 0n });
  await talk.ask(LeaseService.leaseRevoke, { id: 10n });
  await talk.ask(LeaseService.leaseRevoke, { id: 11n });
  await talk.leases([chosen]);
  await talk.ask(LeaseService.leaseRevoke, { id: -3n });
  await talk.leases([chosen]);
  await talk.revokeQuietly(chosen);
}

async function attachments(talk: Conversation): Promise<void> {
  for (const id of [21n, 22n]) await talk.grant(id, 300);
  await talk.put("a", 21n);
  await talk.put("b", 99n);
  for (const key of ["b", "c", "d"]) await talk.put(key, 21n);
  await talk.put("c", 22n);
  await talk.put("d", 0n);
  await talk.put("a", 0n, { ignoreLease: true, value: text("kept") });
  await talk.put("e", 21n, { ignoreLease: true });
  await talk.put("e", 0n, { ignoreLease: true });
  await talk.delete("b");
  await talk.ask(KVService.txn, {
    compare: [
      createCompare({
        key: text("c"),
        target: CompareTarget.LEASE,
        targetUnion: { case: "lease", value: 22n },
      }),
    ],
    success: [
      createRequestOp({
        request: { case: "requestPut", value: createPutRequest({ key: text("t"), lease: 21n }) },
      }),
      createRequestOp({
        request: { case: "requestPut", value: createPutRequest({ key: text("u"), lease: 22n }) },
      }),
    ],
    failure: [],
  });
  for (const id of [21n, 22n]) await talk.timeToLive(id, true);
  await talk.timeToLive(21n, false);
  await talk.keys();
  await talk.ask(LeaseService.leaseRevoke, { id: 21n });
  await talk.keys();
  await talk.timeToLive(22n, true);
  await talk.put("u", 21n);
}

async function expiry(talk: Conversation): Promise<void> {
  await talk.grant(31n, 2);
  await talk.grant(32n, 600);
  for (const key of ["z", "x", "y"]) await talk.put(key, 31n);
  await talk.put("w", 32n);
  await talk.put("y", 32n);
  await talk.untilGone(31n);
  await talk.keys();
  await talk.keepAlive([31n, 32n]);
  await talk.leases();
}

describe.skipIf(REFERENCE === undefined)("leases of the real etcd and of ours", () => {
  const servers: EtcdProcess[] = [];

  beforeAll(async () => {
    servers.push(await startEtcd(), await startEtcd({ command: OUR_ETCD }));
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.remove()));
  });

  const compare = async (talkAbout: (talk: Conversation) => Promise<void>): Promise<void> => {
    const said = await Promise.all(
      servers.map(async (server) => {
        const talk = await Conversation.open(server);
        await talkAbout(talk);
        talk.close();
        return talk.lines;
      }),
    );
    expect(said[0].length).toBeGreaterThan(2);
    expect(said[1]).toEqual(said[0]);
  };

  test("grant, renew, look, revoke, list", () => compare(lifeOfLeases));

  test("keys that are attached and detached", () => compare(attachments));

  test("expiry deletes the keys in one revision", () => compare(expiry), 20_000);

  test("a restart keeps leases, times to live and attached keys", async () => {
    await compare(async (talk) => {
      await talk.grant(41n, 900);
      for (const key of ["r1", "r2"]) await talk.put(key, 41n);
    });
    for (const [at, server] of servers.entries()) {
      await server.stop("SIGKILL");
      const { dataDir } = server;
      servers[at] = await startEtcd(at === 0 ? { dataDir } : { dataDir, command: OUR_ETCD });
    }
    await compare(async (talk) => {
      await talk.timeToLive(41n, true);
      await talk.put("r1", 0n);
      await talk.timeToLive(41n, true);
      await talk.keepAlive([41n]);
      await talk.ask(LeaseService.leaseRevoke, { id: 41n });
      await talk.keys();
    });
  }, 20_000);

  test("a server that stops ends the streams at once", async () => {
    for (const command of [undefined, OUR_ETCD]) {
      const server = await startEtcd(command === undefined ? {} : { command });
      const caller = await openKeepAliveCaller(server.endpoint);
      const stream = caller.open();
      stream.send(5n);
      await stream.answered;
      const begunMs = performance.now();
      await server.stop();
      const { answers, code } = await stream.ended;
      expect([answers.length, code]).toEqual([1, GrpcCode.Unavailable]);
      // Far less than the time that calls under way get.
      expect(performance.now() - begunMs).toBeLessThan(1800);
      await server.remove();
    }
  }, 20_000);

  test("the real etcdctl prints the same", async () => {
    const outputs = await Promise.all(servers.map(etcdctlLines));
    expect(outputs[0].length).toBeGreaterThan(15);
    expect(outputs[1]).toEqual(outputs[0]);
  }, 30_000);
});

/** What `etcdctl lease` prints in a short life of a lease, in all output forms. */
async function etcdctlLines({ endpoint }: EtcdProcess): Promise<string[]> {
  const lines: string[] = [];
  let id = "";
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runReference("etcdctl", [
      `--endpoints=${endpoint}`,
      ...args,
    ]);
    const decimal = id === "" ? "none" : BigInt(`0x${id}`).toString();
    const said = `${code} ${stdout}${stderr}`
      .replace(/"ts":"[^"]*"|0x[0-9a-f]{8,}/g, "")
      .replace(/\{"level".*\n/g, "");
    for (const line of said.trimEnd().split("\n")) {
      const plain = id === "" ? line : line.replaceAll(id, "ID").replaceAll(decimal, "DECIMAL");
      lines.push(
        plain
          .replace(/[0-9a-f]{16} granted with TTL\(100s\)$/, "ID granted")
          .replace(/("?(?:raft_term|RaftTerm)"?) ?: ?\d+/, "$1")
          .replace(/remaining\((?:100|9[5-9])s\)/, "remaining")
          .replace(/("?ttl"?) ?: ?(?:100|9[5-9])\b/i, "$1"),
      );
    }
    return stdout;
  };
  id = /^lease ([0-9a-f]{16}) granted/.exec(await run("lease", "grant", "100"))?.[1] ?? "";
  expect(id).not.toBe("");
  await run("put", "--lease", id, "ctl", "value");
  await run("lease", "timetolive", id);
  await run("lease", "timetolive", id, "--keys");
  for (const form of ["json", "fields"]) {
    await run("lease", "timetolive", id, "--keys", "-w", form);
    await run("lease", "keep-alive", "--once", id, "-w", form);
    await run("lease", "grant", "-5", "-w", form);
  }
  await run("lease", "keep-alive", "--once", id);
  await run("lease", "keep-alive", "--once", "1234");
  await run("lease", "timetolive", "1234");
  await run("lease", "revoke", "1234");
  await run("lease", "grant", "9000000001");
  await run("lease", "revoke", id);
  await run("get", "ctl");
  return lines;
}
