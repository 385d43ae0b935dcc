/** What a leader answers its followers about leases, on a whole member on a simulated disk and clock. */
import { beforeEach, expect, test } from "vitest";
import type { PeerResponse } from "../src/peer/network.ts";
import { leaseEndpoints } from "../src/server/cluster/lease-endpoints.ts";
import { answerPeer } from "../src/server/cluster/peer-endpoints.ts";
import { utf8FromBytes } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import {
  createLeaseInternalRequest,
  decodeLeaseInternalResponse,
  encodeLeaseInternalRequest,
} from "../src/wire/gen/lease.ts";
import { createMessage, MessageType } from "../src/wire/gen/raft.ts";
import {
  createLeaseKeepAliveRequest,
  createLeaseTimeToLiveRequest,
  decodeLeaseKeepAliveResponse,
  encodeLeaseKeepAliveRequest,
} from "../src/wire/gen/rpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

const RENEW = "/leases";
const LOOK = "/leases/internal";

let member: SimulatedMember;

beforeEach(async () => {
  member = new SimulatedMember(new SimulatedDisk({ random: new Prng(3) }), 1_000_000);
  expect(await member.start(new Prng(1))).toBe(true);
  const { lessor } = member.host.member.applier;
  lessor.grant(7n, 100, member.nowMs);
  lessor.attach(7n, "key");
  await member.pass(150);
});

async function post(path: string, body: Uint8Array, method: "GET" | "POST" = "POST") {
  const endpoints = new Map(leaseEndpoints(member.host.member, member.clock));
  let response: PeerResponse | undefined;
  answerPeer(endpoints, { method, path, contentType: "", body }, (answer) => {
    response = answer;
  });
  member.host.poke();
  await member.until(() => response !== undefined);
  if (response === undefined) throw new Error("No answer");
  return response;
}

async function text(path: string, body: Uint8Array, method?: "GET" | "POST"): Promise<string> {
  const response = await post(path, body, method);
  return `${response.status} ${utf8FromBytes(response.body)}`;
}

function renewal(id: bigint): Uint8Array {
  return encodeLeaseKeepAliveRequest(createLeaseKeepAliveRequest({ id }));
}

function look(id: bigint, keys = false): Uint8Array {
  const leaseTimeToLiveRequest = createLeaseTimeToLiveRequest({ id, keys });
  return encodeLeaseInternalRequest(createLeaseInternalRequest({ leaseTimeToLiveRequest }));
}

test("a leader renews leases and tells of them", async () => {
  const renewed = await post(RENEW, renewal(7n));
  expect(renewed).toMatchObject({
    status: 200,
    headers: { "Content-Type": "application/protobuf" },
  });
  expect(decodeLeaseKeepAliveResponse(renewed.body)).toMatchObject({ id: 7n, ttl: 100 });
  const seen = await post(LOOK, look(7n, true));
  expect(seen.status).toBe(200);
  const { leaseTimeToLiveResponse } = decodeLeaseInternalResponse(seen.body);
  expect(leaseTimeToLiveResponse).toMatchObject({ id: 7n, ttl: 100, grantedTtl: 100 });
  expect(leaseTimeToLiveResponse?.keys).toEqual([new TextEncoder().encode("key")]);
  const brief = decodeLeaseInternalResponse((await post(LOOK, look(7n))).body);
  expect(brief.leaseTimeToLiveResponse?.keys).toEqual([]);
});

test("what is wrong with a request is said as etcd says it", async () => {
  expect(await text(RENEW, renewal(8n))).toBe("404 lease not found\n");
  expect(await text(LOOK, look(8n))).toBe("404 lease not found\n");
  expect(await text(RENEW, renewal(7n), "GET")).toBe("405 Method Not Allowed\n");
  expect(await text(LOOK, look(7n), "GET")).toBe("405 Method Not Allowed\n");
  const broken = Uint8Array.of(0x0a, 0x7f);
  expect(await text(RENEW, broken)).toBe("400 error unmarshalling request\n");
  expect(await text(LOOK, broken)).toBe("400 error unmarshalling request\n");
  expect(await text(LOOK, new Uint8Array())).toBe("400 error unmarshalling request\n");
  expect(await text("/leases/other", renewal(7n))).toBe("404 404 page not found\n");
});

test("a member that does not lead refuses", async () => {
  const { id, term } = member.host.member.status();
  const type = MessageType.MsgHeartbeat;
  member.host.member.step(createMessage({ type, from: id + 1n, to: id, term: term + 1 }));
  member.host.poke();
  await member.until(() => !member.host.member.isLeader());
  expect(await text(RENEW, renewal(7n))).toBe("400 not a primary lessor\n");
  expect(await text(LOOK, look(7n))).toBe("500 not a primary lessor\n");
  expect(await text(LOOK, look(8n))).toBe("404 lease not found\n");
});
