/**
 * Tokens of the real etcd and of ours: signed ones are worth the same on both, whichever has signed them, and
 * flags about tokens and passwords have the effect that they have there.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SignedTokens } from "../../src/auth/signed-tokens.ts";
import { Db } from "../../src/bolt/db.ts";
import { SystemDisk } from "../../src/platform/disk.ts";
import { createTokenKey } from "../../src/platform/token-keys.ts";
import { bytesFromUtf8, utf8FromBytes } from "../../src/stdx/bytes.ts";
import type { MethodInfo } from "../../src/wire/codec.ts";
import { decodeUser } from "../../src/wire/gen/auth.ts";
import {
  createWatchCreateRequest,
  createWatchRequest,
  encodeWatchRequest,
} from "../../src/wire/gen/rpc.ts";
import { AuthService, KVService, LeaseService, WatchService } from "../../src/wire/gen/services.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { QUIET_LOG } from "../harness/quiet-log.ts";
import {
  openRawCaller,
  type OpenStream,
  type RawAnswer,
  type RawCaller,
} from "../harness/raw-calls.ts";
import { REFERENCE } from "../harness/reference.ts";
import { sleep } from "../harness/sleep.ts";
import { TwinServers } from "../harness/twin-servers.ts";

const CHEAP = "--bcrypt-cost=4";

function call<Request extends object, Response>(
  caller: RawCaller,
  { path: method, request }: MethodInfo<Request, Response>,
  partial: Partial<Request> = {},
  token?: string,
): Promise<RawAnswer> {
  return caller.call(method, request.encode(request.create(partial)), token);
}

async function enable(caller: RawCaller): Promise<void> {
  const { authEnable, roleAdd, userAdd, userGrantRole } = AuthService;
  for (const answer of [
    await call(caller, userAdd, { name: "root", password: "toor" }),
    await call(caller, roleAdd, { name: "root" }),
    await call(caller, userGrantRole, { user: "root", role: "root" }),
    await call(caller, authEnable),
  ]) {
    expect(answer.text).toBe("");
  }
}

function authenticate(caller: RawCaller, password = "toor"): Promise<RawAnswer> {
  return call(caller, AuthService.authenticate, { name: "root", password });
}

async function tokenOf(caller: RawCaller): Promise<string> {
  const { body, text } = await authenticate(caller);
  expect(text).toBe("");
  return AuthService.authenticate.response.decode(body ?? new Uint8Array(0)).token;
}

/** A stream, and what comes on it: messages, and how it ends. */
class Listener {
  readonly #stream: OpenStream;
  readonly #heard: string[] = [];
  #wake: (() => void) | undefined;

  constructor(caller: RawCaller, method: string) {
    const hear = (what: string): void => {
      this.#heard.push(what);
      this.#wake?.();
    };
    this.#stream = caller.open(method, {
      onMessage: () => hear("message"),
      onEnd: (code, text) => hear(`${code} ${text}`),
    });
  }

  send(body: Uint8Array): void {
    this.#stream.send(body);
  }

  async next(): Promise<string> {
    if (this.#heard.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#heard.shift() ?? "";
  }
}

describe.skipIf(REFERENCE === undefined)("tokens", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-tokens-"));
  const file = (name: string): string => path.join(folder, name);

  /** The flag for a method, with keys that are made for it. */
  function flagFor(method: string): string {
    const kind = method.slice(0, 2);
    const names = { publicKey: file(`${method}.pub`), privateKey: file(`${method}.key`) };
    if (kind === "HS") {
      fs.writeFileSync(names.privateKey, randomBytes(64));
      return `--auth-token=jwt,sign-method=${method},priv-key=${names.privateKey}`;
    }
    const curve = new Map([
      ["ES256", "prime256v1"],
      ["ES384", "secp384r1"],
      ["ES512", "secp521r1"],
    ]).get(method);
    const pair =
      curve === undefined
        ? generateKeyPairSync("rsa", { modulusLength: 2048 })
        : generateKeyPairSync("ec", { namedCurve: curve });
    fs.writeFileSync(names.publicKey, pair.publicKey.export({ type: "spki", format: "pem" }));
    fs.writeFileSync(names.privateKey, pair.privateKey.export({ type: "pkcs8", format: "pem" }));
    return `--auth-token=jwt,sign-method=${method},pub-key=${names.publicKey},priv-key=${names.privateKey}`;
  }

  function ownTokens(method: string): SignedTokens {
    const publicKey = method.startsWith("HS") ? undefined : fs.readFileSync(file(`${method}.pub`));
    const privateKey = fs.readFileSync(file(`${method}.key`));
    const key = createTokenKey(method, { publicKey, privateKey });
    return new SignedTokens({ key, ttlMs: 60_000, wallMs: () => Date.now(), log: QUIET_LOG });
  }

  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  test.each(
    ["RS", "PS", "ES", "HS"].flatMap((kind) => ["256", "384", "512"].map((bits) => kind + bits)),
  )(
    "%s: the real etcd believes ours, and ours the real etcd",
    async (method) => {
      const server = await startEtcd({ flags: [CHEAP, flagFor(method)] });
      const caller = await openRawCaller(server.endpoint);
      await enable(caller);
      const tokens = ownTokens(method);
      const known = tokens.use(await tokenOf(caller));
      expect(known?.username).toBe("root");
      const token = tokens.issue("", "root", known?.revision ?? 0) as string;
      expect(await call(caller, KVService.put, { key: bytesFromUtf8("k") }, token)).toMatchObject({
        code: 0,
      });
      caller.close();
      await server.remove();
    },
    60_000,
  );

  describe("of one key, on both", () => {
    let twins: TwinServers;
    beforeAll(async () => {
      twins = await TwinServers.start([CHEAP, flagFor("ES256")]);
      for (const caller of twins.callers) await enable(caller);
    });
    afterAll(() => twins.remove());

    test("each takes the tokens of the other, until users or roles change", async () => {
      const tokens = await Promise.all(twins.callers.map(tokenOf));
      const put = { key: bytesFromUtf8("k") };
      const range = { key: bytesFromUtf8("k"), serializable: true };
      const ask = async (): Promise<unknown[]> => {
        const answers = [];
        for (const caller of twins.callers) {
          for (const token of tokens) {
            answers.push((await call(caller, KVService.put, put, token)).text);
            answers.push((await call(caller, KVService.range, range, token)).text);
            answers.push((await call(caller, AuthService.userList, {}, token)).text);
          }
        }
        return answers;
      };
      expect(await ask()).toEqual(Array.from({ length: 12 }, () => ""));
      const [real, ours] = twins.callers;
      for (const [at, caller] of [real, ours].entries()) {
        expect((await call(caller, AuthService.roleAdd, { name: "r" }, tokens[at])).text).toBe("");
      }
      const old = "etcdserver: revision of auth store is old";
      expect(await ask()).toEqual(Array.from({ length: 4 }, () => [old, old, ""]).flat());
      // A signed token is not taken back with its user's password.
      const fresh = await Promise.all(twins.callers.map(tokenOf));
      for (const caller of twins.callers) {
        expect((await call(caller, KVService.put, put, fresh[0])).text).toBe("");
      }
    });

    test("a member that has no private key verifies and does not sign", async () => {
      const flags = [CHEAP, `--auth-token=jwt,sign-method=ES256,pub-key=${file("ES256.pub")}`];
      const answers = await Promise.all(
        [undefined, OUR_ETCD].map(async (command) => {
          const server = await startEtcd({ flags, ...(command && { command }) });
          const caller = await openRawCaller(server.endpoint);
          await enable(caller);
          const issued = await authenticate(caller);
          const token = ownTokens("ES256").issue("", "root", 4) as string;
          const used = await call(caller, AuthService.userList, {}, token);
          const hasFailed = await authenticate(caller, "wrong");
          caller.close();
          await server.remove();
          return [issued, used, hasFailed].map(({ code, text }) => `${code} ${text}`);
        }),
      );
      expect(answers[1]).toEqual(answers[0]);
      expect(answers[1][0]).toContain("verify-only");
    }, 60_000);
  });

  test("what runs goes on when its token is worth nothing any more, but renewals", async () => {
    const twins = await TwinServers.start([CHEAP]);
    for (const caller of twins.callers) await enable(caller);
    const said = [];
    for (const [at, caller] of twins.callers.entries()) {
      const metadata = [{ name: "token", value: await tokenOf(caller) }];
      const old = await openRawCaller(twins.servers[at].endpoint, { metadata });
      expect((await call(old, LeaseService.leaseGrant, { id: 7n, ttl: 1000 })).text).toBe("");
      const watch = new Listener(old, WatchService.watch.path);
      const value = createWatchCreateRequest({ key: bytesFromUtf8("k") });
      watch.send(
        encodeWatchRequest(createWatchRequest({ requestUnion: { case: "createRequest", value } })),
      );
      const renewals = new Listener(old, LeaseService.leaseKeepAlive.path);
      const renewal = LeaseService.leaseKeepAlive.request.encode({ id: 7n });
      renewals.send(renewal);
      const begun = [await watch.next(), await renewals.next()];
      const change = { name: "root", password: "toor" };
      expect((await call(old, AuthService.userChangePassword, change)).text).toBe("");
      const put = { key: bytesFromUtf8("k") };
      const refused = await call(old, KVService.put, put);
      const fresh = await call(caller, KVService.put, put, await tokenOf(caller));
      renewals.send(renewal);
      said.push([...begun, refused.text, fresh.text, await watch.next(), await renewals.next()]);
      old.close();
    }
    const invalid = "etcdserver: invalid auth token";
    expect(said).toEqual([
      ["message", "message", invalid, "", "message", "message"],
      // Since 3.5.30 renewals need their user's rights.
      ["message", "message", invalid, "", "message", `16 ${invalid}`],
    ]);
    await twins.remove();
  }, 60_000);

  test("a simple token that is not used ends after its time, and the cost of hashes is that of the flag", async () => {
    const flags = ["--auth-token-ttl=1", "--bcrypt-cost=5"];
    const twins = await TwinServers.start(flags);
    for (const caller of twins.callers) await enable(caller);
    for (const caller of twins.callers) {
      const token = await tokenOf(caller);
      expect(await call(caller, AuthService.userList, {}, token)).toMatchObject({ code: 0 });
      await sleep(1500);
      for (;;) {
        const { code } = await call(caller, AuthService.userList, {}, token);
        if (code === 16) break;
        // It was used: its time begins anew.
        await sleep(2000);
      }
    }
    const { dataDir } = twins.servers[1];
    await twins.stop();
    const disk = new SystemDisk({ warn: () => undefined });
    const db = Db.open(disk, path.join(dataDir, "member", "snap", "db"));
    const stored = db.beginRead().bucket(bytesFromUtf8("authUsers"))?.get(bytesFromUtf8("root"));
    expect(utf8FromBytes(decodeUser(stored ?? new Uint8Array(0)).password)).toMatch(/^\$2a\$05\$/);
    db.close();
    await twins.remove();
  }, 60_000);

  test("of a long password the first 72 bytes count, and nobody has a name without end", async () => {
    const twins = await TwinServers.start([CHEAP]);
    const { authenticate: method, userAdd } = AuthService;
    const password = `${"é".repeat(35)}ab`;
    for (const caller of twins.callers) {
      await enable(caller);
      const token = await tokenOf(caller);
      expect((await call(caller, userAdd, { name: "long", password }, token)).text).toBe("");
    }
    for (const [name, tried] of [
      ["long", password],
      ["long", `${password}c`],
      ["long", `${password}${"漢".repeat(100_000)}`],
      ["long", `${password.slice(0, -1)}x`],
      ["long", password.slice(0, -1)],
      ["l".repeat(100_000), password],
    ]) {
      const [real, ours] = await Promise.all(
        twins.callers.map((caller) => call(caller, method, { name, password: tried })),
      );
      expect(`${ours.code} ${ours.text}`, tried.slice(0, 80)).toBe(`${real.code} ${real.text}`);
    }
    await twins.remove();
  }, 60_000);

  test("without tokens nobody gets one", async () => {
    const answers = await Promise.all(
      [undefined, OUR_ETCD].map(async (command) => {
        const flags = [CHEAP, "--auth-token="];
        const server = await startEtcd({ flags, ...(command && { command }) });
        const caller = await openRawCaller(server.endpoint);
        await enable(caller);
        const { code, text } = await authenticate(caller);
        const used = await call(caller, AuthService.userList, {}, "AbCdEfGhIjKlMnOp.3");
        caller.close();
        await server.remove();
        return [`${code} ${text}`, used.text];
      }),
    );
    expect(answers[1]).toEqual(answers[0]);
  }, 60_000);
});

describe("a flood of wrong passwords", () => {
  let server: EtcdProcess;
  let caller: RawCaller;
  beforeAll(async () => {
    server = await startEtcd({ command: OUR_ETCD });
    caller = await openRawCaller(server.endpoint);
    await enable(caller);
  });
  afterAll(async () => {
    caller.close();
    await server.remove();
  });

  test("is refused in part, and delays neither puts nor those whose password is known", async () => {
    const token = await tokenOf(caller);
    const outcomes = new Map<string, number>();
    const guesses = 300;
    for (let at = 0; at < guesses; at++) {
      void authenticate(caller, `guess ${at}`).then(({ text }) =>
        outcomes.set(text, (outcomes.get(text) ?? 0) + 1),
      );
    }
    for (let at = 0; at < 100; at++) {
      const put = { key: bytesFromUtf8(`k${at}`) };
      expect((await call(caller, KVService.put, put, token)).text).toBe("");
    }
    await tokenOf(caller);
    const answered = [...outcomes.values()].reduce((sum, count) => sum + count, 0);
    expect(answered).toBeLessThan(guesses);
    // All but one lane of those that wait, and those that are looked at.
    expect(outcomes.get("etcdserver: too many requests")).toBeGreaterThan(guesses / 2);
  }, 60_000);
});
