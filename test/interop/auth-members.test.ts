/** Tokens in a cluster: handed out by one member, good on every other one at once, and passed on to the leader. */
import { describe, expect, test } from "vitest";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import type { MethodInfo } from "../../src/wire/codec.ts";
import {
  AuthService,
  ClusterService,
  KVService,
  WatchService,
} from "../../src/wire/gen/services.ts";
import {
  createWatchCreateRequest,
  createWatchRequest,
  encodeWatchRequest,
} from "../../src/wire/gen/rpc.ts";
import { withCluster } from "../harness/etcd-cluster.ts";
import { openRawCaller, type RawAnswer, type RawCaller } from "../harness/raw-calls.ts";
import { REFERENCE } from "../harness/reference.ts";
import { sleep } from "../harness/sleep.ts";

const ROUNDS = 10;
const key = bytesFromUtf8("key");

function call<Request extends object, Response>(
  caller: RawCaller,
  { path, request }: MethodInfo<Request, Response>,
  partial: Partial<Request>,
  token?: string,
): Promise<RawAnswer> {
  return caller.call(path, request.encode(request.create(partial)), token);
}

async function tokenOf(caller: RawCaller, name: string): Promise<string> {
  const { body, text } = await call(caller, AuthService.authenticate, { name, password: name });
  expect(text).toBe("");
  return AuthService.authenticate.response.decode(body ?? new Uint8Array(0)).token;
}

/** The first message on a stream with a token, or how it ended. */
async function firstOfWatch(endpoint: string, token: string): Promise<string> {
  const caller = await openRawCaller(endpoint, { metadata: [{ name: "token", value: token }] });
  const value = createWatchCreateRequest({ key });
  const request = createWatchRequest({ requestUnion: { case: "createRequest", value } });
  const said = await new Promise<string>((resolve) => {
    const stream = caller.open(WatchService.watch.path, {
      onMessage: (message) => resolve(WatchService.watch.response.decode(message).cancelReason),
      onEnd: (code, text) => resolve(`${code} ${text}`),
    });
    stream.send(encodeWatchRequest(request));
  });
  caller.close();
  return said;
}

describe.skipIf(REFERENCE === undefined)("members and their tokens", () => {
  test("a token of one member is good on every other one, and names who wants a promotion", async () => {
    const options = { members: ["real", "ours", "ours"] as const, flags: ["--bcrypt-cost=4"] };
    await withCluster(options, async (cluster) => {
      const [, first] = cluster.members;
      const callers = await Promise.all(
        cluster.members.map(({ endpoint }) => openRawCaller(endpoint)),
      );
      const learner = await cluster.join("ours", { learner: true });
      await cluster.moveLeader(first);
      const id = await cluster.idOf(learner);
      for (const [method, request] of [
        [AuthService.userAdd, { name: "root", password: "root" }],
        [AuthService.userAdd, { name: "other", password: "other" }],
        [AuthService.userGrantRole, { user: "root", role: "root" }],
        [AuthService.authEnable, {}],
      ] as const) {
        const answer = await call(callers[0], method as MethodInfo<object, object>, request);
        expect(answer.text).toBe("");
      }
      // Whoever has applied all of that asks who calls.
      for (const caller of callers) {
        const { text } = await call(caller, KVService.range, { key });
        expect(text).toBe("etcdserver: user name is empty");
      }
      for (let round = 0; round < ROUNDS; round++) {
        for (const [at, caller] of callers.entries()) {
          const token = await tokenOf(caller, "root");
          // The real one may not know it yet: it waits for one entry less than it needs.
          const others = callers.slice(1).filter((other) => other !== caller);
          const used = others.flatMap((other) => [
            call(other, KVService.range, { key, serializable: true }, token),
            call(other, KVService.put, { key }, token),
          ]);
          const texts = (await Promise.all(used)).map(({ text }) => text);
          expect(texts, `${round} from ${at}`).toEqual(texts.map(() => ""));
          const { endpoint } = cluster.members[at === 1 ? 2 : 1];
          expect(await firstOfWatch(endpoint, token)).toBe("");
        }
      }
      // Not even one of the future is waited for.
      const future = await call(callers[1], KVService.range, { key }, "AbCdEfGhIjKlMnOp.99999999");
      expect(future.text).toBe("etcdserver: invalid auth token");

      const promote = async (name: string): Promise<RawAnswer> =>
        call(callers[2], ClusterService.memberPromote, { id }, await tokenOf(callers[2], name));
      expect((await promote("other")).text).toBe("etcdserver: permission denied");
      for (;;) {
        const { code, text } = await promote("root");
        if (code === 0) break;
        expect(text).toContain("in sync with leader");
        await sleep(100);
      }
      const list = await call(
        callers[1],
        ClusterService.memberList,
        {},
        await tokenOf(callers[1], "root"),
      );
      const { members } = ClusterService.memberList.response.decode(list.body ?? new Uint8Array(0));
      expect(members.find((member) => member.id === id)?.isLearner).toBe(false);
      for (const caller of callers) caller.close();
    });
  }, 120_000);
});
