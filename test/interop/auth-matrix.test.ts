/**
 * Who may do what: every RPC in the name of everybody, asked of the real etcd and of ours. Codes and texts are
 * the same, but where a later release of etcd refuses what the one at hand lets through; each of those has its
 * reason here.
 */
import * as fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GrpcMetadata } from "../../src/http2/grpc-metadata.ts";
import { bytesFromLatin1 } from "../../src/stdx/bytes.ts";
import { PermissionType } from "../../src/wire/gen/auth.ts";
import { AlarmAction, AlarmType } from "../../src/wire/gen/rpc.ts";
import {
  AuthService,
  KVService,
  LeaseService,
  MaintenanceService,
} from "../../src/wire/gen/services.ts";
import { CertificateFolder } from "../harness/certificates.ts";
import { type EtcdProcess, startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { freePorts } from "../harness/processes.ts";
import { AUTH_QUESTIONS, type AuthQuestion } from "../harness/auth-questions.ts";
import type { Operation } from "../harness/operation.ts";
import { openRawCaller, type RawAnswer, type RawCaller } from "../harness/raw-calls.ts";
import { REFERENCE } from "../harness/reference.ts";

/**
 * Questions to which ours answers as a later release of 3.5 does, and not as the one at hand: who asks, and
 * what is answered then.
 */
interface Advisory {
  readonly question: RegExp;
  readonly who: RegExp;
  readonly ours: string;
  readonly reason: string;
}

const DENIED = "7 etcdserver: permission denied";
const EMPTY = "3 etcdserver: user name is empty";
const UNKNOWN = "9 etcdserver: user name not found";
const INVALID = "16 etcdserver: invalid auth token";
const COMPACTED =
  '{"created":true,"canceled":true,"cancelReason":"etcdserver: mvcc: required revision has been compacted"}';
const DENIED_WATCH =
  '{"created":true,"canceled":true,"cancelReason":"rpc error: code = PermissionDenied desc = etcdserver: permission denied"}';

const NOBODY = /^(nobody|root's certificate through the gateway)$/;
const NO_TOKEN = /^(a wrong token|a token of nobody|an ended token)$/;
const NO_ROOT = /^(nothing|keys.*|prefix.*)$/;
const NO_KEYS = /^(nothing|prefix.*)$/;
/** Nobody has made users for them. */
const NO_USER = /^(a stranger's certificate|a certificate without a name)$/;
const STRANGER = /^a stranger's certificate$/;
const NAMELESS = /^a certificate without a name$/;

const NESTED = "CVE-2026-33343: 3.5.16 does not look into transactions that are in transactions";
const IN_TXN = "CVE-2026-44283: 3.5.16 asks less of a put in a transaction than of one alone";
const OPEN_WATCH =
  "GHSA-xg4h-6gfc-h4m8: 3.5.16 takes a watch without an end for one of its first key";
const NEGATIVE = "3.5.16 takes a revision below zero for one to come";
const COMPACT = "CVE-2026-33413: 3.5.16 asks nobody who compacts";
const LEASE_CALLS =
  "CVE-2026-33413: 3.5.16 asks nobody who grants, renews, looks up or lists leases";
const LEASE_KEYS =
  "CVE-2026-33413: 3.5.16 asks for no rights on the keys of renewed and listed leases";
const ALARMS = "CVE-2026-33413: 3.5.16 asks nobody who lists alarms or lifts them";
const MAINTENANCE =
  "CVE-2026-33413: 3.5.16 asks nobody who wants the state, another leader, a way back";
const MEMBERS = "CVE-2026-33413: 3.5.16 asks nobody who lists the members";

const KEYS_MATTER = /^(Txn, nested.*|LeaseKeepAlive [78]|LeaseLeases)$/;
const FOR_ADMINS = /^(Compact|Alarm, lifting|Status|MoveLeader|Downgrade)$/;
const FOR_ROOT = /^(Status|MoveLeader|Downgrade)$/;
const OF_LEASES = /^(LeaseKeepAlive \d+|LeaseTimeToLive \d+|LeaseLeases)$/;

const ADVISORIES: readonly Advisory[] = [
  { question: KEYS_MATTER, who: NO_USER, ours: DENIED, reason: NESTED },
  { question: FOR_ADMINS, who: STRANGER, ours: UNKNOWN, reason: MAINTENANCE },
  { question: FOR_ADMINS, who: NAMELESS, ours: EMPTY, reason: MAINTENANCE },
  { question: /^Txn, nested/, who: NOBODY, ours: EMPTY, reason: NESTED },
  { question: /^Txn, nested/, who: NO_KEYS, ours: DENIED, reason: NESTED },
  { question: /^Txn, nested (put|read)/, who: /^keys/, ours: DENIED, reason: NESTED },
  {
    question: /^Txn, put with a lease of others/,
    who: /^keys/,
    ours: DENIED,
    reason: IN_TXN,
  },
  { question: /^Txn, put w for/, who: /^prefix/, ours: DENIED, reason: IN_TXN },
  { question: /^Compact$/, who: NOBODY, ours: EMPTY, reason: COMPACT },
  { question: /^Compact$/, who: NO_ROOT, ours: DENIED, reason: COMPACT },
  { question: /^Watch from k on$/, who: /^keys/, ours: DENIED_WATCH, reason: OPEN_WATCH },
  { question: /^Watch before all/, who: /./, ours: COMPACTED, reason: NEGATIVE },
  { question: /^(LeaseGrant|LeaseRevoke 99)$/, who: NOBODY, ours: EMPTY, reason: LEASE_CALLS },
  { question: OF_LEASES, who: NOBODY, ours: EMPTY, reason: LEASE_CALLS },
  { question: OF_LEASES, who: NO_TOKEN, ours: INVALID, reason: LEASE_CALLS },
  { question: /^LeaseKeepAlive [78]$/, who: NO_KEYS, ours: DENIED, reason: LEASE_KEYS },
  { question: /^LeaseKeepAlive 8$/, who: /^keys/, ours: DENIED, reason: LEASE_KEYS },
  { question: /^LeaseLeases$/, who: NO_ROOT, ours: DENIED, reason: LEASE_KEYS },
  { question: /^Alarm, /, who: NOBODY, ours: EMPTY, reason: ALARMS },
  { question: /^Alarm, lifting$/, who: NO_ROOT, ours: DENIED, reason: ALARMS },
  { question: FOR_ROOT, who: NOBODY, ours: EMPTY, reason: MAINTENANCE },
  { question: FOR_ROOT, who: NO_TOKEN, ours: INVALID, reason: MAINTENANCE },
  { question: FOR_ROOT, who: NO_ROOT, ours: DENIED, reason: MAINTENANCE },
  { question: /^MemberList/, who: NOBODY, ours: EMPTY, reason: MEMBERS },
  { question: /^MemberList/, who: NO_TOKEN, ours: INVALID, reason: MEMBERS },
];

describe.skipIf(REFERENCE === undefined)("the matrix of authorisation", () => {
  const made = new CertificateFolder();
  const twins: Twin[] = [];

  beforeAll(async () => {
    const own = made.authority.issue({ ipAddresses: ["127.0.0.1"], usage: "server" });
    const flags = [
      "--bcrypt-cost=4",
      `--cert-file=${own.certFile}`,
      `--key-file=${own.keyFile}`,
      `--trusted-ca-file=${made.authority.caFile}`,
      "--client-cert-auth",
    ];
    twins.push(await startTwin(flags), await startTwin(flags, OUR_ETCD));
    await prepare(twins);
  });

  afterAll(async () => {
    for (const { caller } of twins) caller.close();
    await Promise.all(twins.map(({ server }) => server.remove()));
    made.remove();
  });

  const callers = async (metadata: GrpcMetadata): Promise<RawCaller[]> =>
    Promise.all(twins.map(({ server }) => openRawCaller(server.endpoint, { metadata })));

  /** The same user on both servers, whose tokens differ. */
  const named = async (name: string, field = "token"): Promise<RawCaller[]> =>
    Promise.all(
      twins.map(async ({ server, caller }) => {
        const value = await tokenOf(caller, name);
        return openRawCaller(server.endpoint, { metadata: [{ name: field, value }] });
      }),
    );

  /** Whoever has a certificate with this name, and maybe more to show. */
  const certified = async (
    cn: string | undefined,
    metadataFor: (twin: Twin) => Promise<GrpcMetadata> = () => Promise.resolve([]),
  ): Promise<RawCaller[]> => {
    const { certPem, keyPem } = made.authority.issue({ usage: "client", ...(cn && { cn }) });
    const ca = made.authority.own.certPem;
    const tls = { ca, cert: certPem, key: keyPem, serverName: "", insecureSkipVerify: false };
    return Promise.all(
      twins.map(async (twin) =>
        openRawCaller(twin.secure, { tls, metadata: await metadataFor(twin) }),
      ),
    );
  };

  const everybody: readonly (readonly [string, () => Promise<RawCaller[]>])[] = [
    ["nobody", () => callers([])],
    ["a wrong token", () => callers([{ name: "token", value: "wrong" }])],
    ["a token of nobody", () => callers([{ name: "token", value: "AbCdEfGhIjKlMnOp.5" }])],
    ["an ended token", () => endedToken(twins)],
    ["nothing", () => named("nothing")],
    ["keys", () => named("keys")],
    ["keys, by authorization", () => named("keys", "authorization")],
    ["prefix", () => named("prefix")],
    ["keys, by certificate", () => certified("keys")],
    ["prefix, by certificate", () => certified("prefix")],
    ["a stranger's certificate", () => certified("stranger")],
    ["a certificate without a name", () => certified(undefined)],
    [
      "root's certificate through the gateway",
      () => certified("root", () => Promise.resolve([{ name: "grpcgateway-accept", value: "x" }])),
    ],
    [
      "keys, by a token beside root's certificate",
      () =>
        certified("root", async ({ caller }) => [
          { name: "token", value: await tokenOf(caller, "keys") },
        ]),
    ],
    // At the end: they change keys and leases that others ask for.
    ["root", () => named("root")],
    ["root, by certificate", () => certified("root")],
  ];

  test.each(everybody)(
    "%s",
    async (who, open) => {
      const [real, ours] = await open();
      const differences: string[] = [];
      for (const question of AUTH_QUESTIONS) {
        if (question.isForAll === true && who !== "nobody" && who !== "root") continue;
        const [expected, got] = await Promise.all([ask(real, question), ask(ours, question)]);
        const advisory = ADVISORIES.find(
          (each) => each.question.test(question.name) && each.who.test(who),
        );
        const wanted = advisory?.ours ?? expected;
        if (got !== wanted) differences.push(`${question.name}: ${got} instead of ${wanted}`);
        if (advisory !== undefined && expected === advisory.ours) {
          differences.push(`${question.name}: the real one refuses it, too`);
        }
      }
      expect(differences).toEqual([]);
      for (const caller of [real, ours]) caller.close();
    },
    60_000,
  );

  test("what is refused beyond the real one is published", () => {
    const page = fs.readFileSync(
      path.join(import.meta.dirname, "../../docs/compatibility.md"),
      "utf8",
    );
    for (const { reason } of ADVISORIES) expect(page).toContain(`- ${reason}\n`);
  });

  test("an alarm takes nobody's rights away and gives none", async () => {
    // Releases of 3.5 ask nobody any more who changes users, deletes or revokes while an alarm is raised.
    const [, root] = await named("root");
    const [, keys] = await named("keys");
    const { alarm } = MaintenanceService;
    const raise = (action: AlarmAction, type: AlarmType): Promise<RawAnswer> =>
      root.call(alarm.path, alarm.request.encode({ action, alarm: type, memberId: 1n }));
    const { authDisable, userDelete } = AuthService;
    const { deleteRange, put } = KVService;
    const attach = put.request.create({ key: key("other"), lease: 8n });
    expect((await root.call(put.path, put.request.encode(attach))).text).toBe("");
    const forbidden: Operation[] = [
      { method: authDisable, request: {} },
      { method: userDelete, request: { name: "nothing" } },
      { method: deleteRange, request: deleteRange.request.create({ key: key("other") }) },
      { method: LeaseService.leaseRevoke, request: { id: 8n } },
    ];
    for (const type of [AlarmType.NOSPACE, AlarmType.CORRUPT]) {
      expect((await raise(AlarmAction.ACTIVATE, type)).text).toBe("");
      for (const { method, request } of forbidden) {
        const { code } = await keys.call(method.path, method.request.encode(request));
        expect([7, 15], `${method.path} ${type}`).toContain(code);
      }
      const { code } = await keys.call(authDisable.path, authDisable.request.encode({}));
      expect(code).toBe(7);
      expect((await raise(AlarmAction.DEACTIVATE, type)).text).toBe("");
    }
    for (const caller of [root, keys]) caller.close();
  });
});

/** What is answered, in one line: code and text, or what a stream that lives says first. */
async function ask(caller: RawCaller, { path, body, kind, shown }: AuthQuestion): Promise<string> {
  if (kind === "unary") {
    const { code, text } = await caller.call(path, body);
    return `${code} ${text}`;
  }
  if (kind === "stream") {
    const { code, text } = await caller.stream(path, body);
    return `${code} ${text}`;
  }
  return new Promise((resolve) => {
    const call = caller.open(path, {
      onMessage: (message) => {
        resolve(shown?.(message) ?? "");
        call.cancel();
      },
      onEnd: (code, text) => resolve(`${code} ${text}`),
    });
    call.send(body);
  });
}

const key = bytesFromLatin1;

/** One of the servers: in plain text for tokens, over TLS for certificates. */
interface Twin {
  readonly server: EtcdProcess;
  readonly secure: string;
  readonly caller: RawCaller;
}

async function startTwin(flags: readonly string[], command?: readonly string[]): Promise<Twin> {
  const [client, peer, port] = await freePorts(3);
  const secure = `127.0.0.1:${port}`;
  const urls = `http://127.0.0.1:${client},https://${secure}`;
  const server = await startEtcd({
    ports: [client, peer],
    flags: [...flags, `--listen-client-urls=${urls}`],
    ...(command && { command }),
  });
  return { server, secure, caller: await openRawCaller(server.endpoint) };
}

async function prepare(twins: readonly Twin[]): Promise<void> {
  const grant = (name: string, permType: PermissionType, from: string, to = ""): Operation => ({
    method: AuthService.roleGrantPermission,
    request: { name, perm: { permType, key: key(from), rangeEnd: key(to) } },
  });
  const user = (name: string, ...roles: string[]): Operation[] => [
    {
      method: AuthService.userAdd,
      request: AuthService.userAdd.request.create({ name, password: name }),
    },
    ...roles.map((role) => ({ method: AuthService.userGrantRole, request: { user: name, role } })),
  ];
  const { put } = KVService;
  const { leaseGrant } = LeaseService;
  const all: Operation[] = [
    ...["root", "keys", "prefix"].map((name) => ({
      method: AuthService.roleAdd,
      request: { name },
    })),
    grant("keys", PermissionType.READWRITE, "k"),
    grant("keys", PermissionType.READWRITE, "k7"),
    grant("prefix", PermissionType.READ, "p/", "p0"),
    grant("prefix", PermissionType.WRITE, "p/w", "p/x"),
    grant("prefix", PermissionType.WRITE, "w"),
    ...user("root", "root"),
    ...user("nothing"),
    ...user("keys", "keys"),
    ...user("prefix", "prefix"),
    ...user("ended", "root"),
    {
      method: AuthService.userAdd,
      request: AuthService.userAdd.request.create({ name: "cert", options: { noPassword: true } }),
    },
    ...[7n, 8n, 9n].map((id) => ({ method: leaseGrant, request: { id, ttl: 10_000 } })),
    { method: put, request: put.request.create({ key: key("k7"), lease: 7n }) },
    { method: put, request: put.request.create({ key: key("other"), lease: 8n }) },
    { method: AuthService.authEnable, request: {} },
  ];
  for (const { method, request } of all) {
    for (const { caller } of twins) {
      const { code, text } = await caller.call(method.path, method.request.encode(request));
      expect(text, String(code)).toBe("");
    }
  }
}

async function tokenOf(caller: RawCaller, name: string): Promise<string> {
  const { path, request, response } = AuthService.authenticate;
  const { body, text } = await caller.call(path, request.encode({ name, password: name }));
  expect(text).toBe("");
  return response.decode(body ?? new Uint8Array(0)).token;
}

/** Callers with a token that was good until its user got another password. */
async function endedToken(twins: readonly Twin[]): Promise<RawCaller[]> {
  const { path, request } = AuthService.userChangePassword;
  return Promise.all(
    twins.map(async ({ server, caller: asker }) => {
      const value = await tokenOf(asker, "ended");
      const caller = await openRawCaller(server.endpoint, { metadata: [{ name: "token", value }] });
      const change = request.create({ name: "ended", password: "ended" });
      const { text } = await caller.call(path, request.encode(change));
      expect(text).toBe("");
      return caller;
    }),
  );
}
