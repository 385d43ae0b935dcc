/**
 * Who calls through the JSON gateway, and through locks and elections: a token counts as in any other call, and
 * what a lock does inside is done with the rights of its caller. Compared with the real etcd.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { REFERENCE } from "../harness/reference.ts";
import { type RunningServer, ServerPair } from "../harness/server-pair.ts";

const LOCK_A = '{"name":"YQ==","lease":"7"}';
const LOCK_B = '{"name":"Yg==","lease":"7"}';

interface Told {
  readonly status: number;
  readonly code: number | undefined;
  readonly message: string | undefined;
}

describe.skipIf(REFERENCE === undefined)("calls with tokens through the gateway", () => {
  let pair: ServerPair;
  /** Tokens of root and of a user with rights on "a" and what is below it. */
  const tokens = new Map<RunningServer, { readonly root: string; readonly user: string }>();

  async function ask(
    { server }: RunningServer,
    path: string,
    body: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Told & { readonly token: string }> {
    const url = `http://${server.endpoint}/v3${path}`;
    const answer = await fetch(url, { method: "POST", body, headers });
    const {
      code,
      message,
      token = "",
    } = (await answer.json()) as {
      readonly code?: number;
      readonly message?: string;
      readonly token?: string;
    };
    return { status: answer.status, code, message, token };
  }

  beforeAll(async () => {
    pair = await ServerPair.start();
    for (const server of [pair.real, pair.ours]) {
      for (const [path, body] of [
        ["/auth/user/add", '{"name":"root","password":"r"}'],
        ["/auth/role/add", '{"name":"root"}'],
        ["/auth/user/grant", '{"user":"root","role":"root"}'],
        ["/auth/user/add", '{"name":"u","password":"u"}'],
        ["/auth/role/add", '{"name":"a"}'],
        ["/auth/role/grant", '{"name":"a","perm":{"permType":2,"key":"YQ==","range_end":"Yg=="}}'],
        ["/auth/user/grant", '{"user":"u","role":"a"}'],
        ["/lease/grant", '{"TTL":"600","ID":"7"}'],
        ["/lease/grant", '{"TTL":"600","ID":"8"}'],
        ["/lease/grant", '{"TTL":"600","ID":"9"}'],
        ["/lease/grant", '{"TTL":"600","ID":"10"}'],
        ["/auth/enable", "{}"],
      ] as const) {
        expect((await ask(server, path, body)).status, path).toBe(200);
      }
      const root = await ask(server, "/auth/authenticate", '{"name":"root","password":"r"}');
      const user = await ask(server, "/auth/authenticate", '{"name":"u","password":"u"}');
      tokens.set(server, { root: root.token, user: user.token });
    }
  }, 90_000);

  afterAll(() => pair.remove());

  test("are those of their user", { timeout: 60_000 }, async () => {
    const told = [pair.real, pair.ours].map(async (server) => {
      const { root = "", user = "" } = tokens.get(server) ?? {};
      const answers: Told[] = [];
      const say = async (
        path: string,
        body: string,
        headers?: Readonly<Record<string, string>>,
      ): Promise<void> => {
        const { status, code, message } = await ask(server, path, body, headers);
        answers.push({ status, code, message });
      };
      for (const headers of [
        {},
        { Authorization: user },
        { Authorization: "nobody's" },
        { "Grpc-Metadata-Token": user },
        { "Grpc-Metadata-Authorization": user },
        { Authorization: root },
      ]) {
        await say("/kv/put", '{"key":"YQ=="}', headers);
        await say("/kv/put", '{"key":"Yg=="}', headers);
        await say("/kv/range", '{"key":"YQ==","rangeEnd":"AA=="}', headers);
        await say("/auth/user/list", "{}", headers);
        await say("/lock/lock", LOCK_A, headers);
        await say("/lock/lock", LOCK_B, headers);
        await say("/lock/unlock", '{"key":"YS83"}', headers);
        await say("/election/campaign", '{"name":"YWU=","lease":"7","value":"dg=="}', headers);
        await say("/election/leader", '{"name":"YWU="}', headers);
        await say("/election/campaign", '{"name":"Yw==","lease":"8"}', headers);
      }
      return answers;
    });
    const [real, ours] = await Promise.all(told);
    expect(ours).toEqual(real);
  });

  test("leave the queue of a lock when they end", { timeout: 60_000 }, async () => {
    const { user = "" } = tokens.get(pair.ours) ?? {};
    const headers = { Authorization: user };
    await ask(pair.ours, "/lock/lock", '{"name":"YXE=","lease":"10"}', headers);
    const late = await ask(pair.ours, "/lock/lock", '{"name":"YXE=","lease":"9"}', {
      ...headers,
      "Grpc-Timeout": "200m",
    });
    expect(late.status).toBe(504);
    const url = `http://${pair.ours.server.endpoint}/v3/kv/range`;
    const body = '{"key":"YXEv","rangeEnd":"YXEw","count_only":true}';
    for (;;) {
      const answer = await fetch(url, { method: "POST", body, headers });
      if ((await answer.text()).includes('"count":"1"')) break;
    }
  });
});
