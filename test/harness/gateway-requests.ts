/**
 * Requests to the JSON gateway: a fixed list, and random ones from a seed, for all methods that two servers can
 * answer equally.
 */
import type { Prng } from "../../src/stdx/prng.ts";
import type { FieldDescriptor, MessageDescriptor } from "../../src/wire/descriptor.ts";
import * as services from "../../src/wire/gen/services.ts";

export interface GatewayCall {
  readonly path: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly verb?: string;
}

/** Methods whose effect ends the comparison, or whose answers are the server's own business. */
const EXCLUDED = [
  ...["/v3/cluster/member/", "/v3/maintenance/downgrade", "/v3/maintenance/hash"],
  ...["/v3/maintenance/snapshot", "/v3/watch", "/v3/lock/lock", "/v3/election/campaign"],
  ...["/v3/election/observe", "/v3/auth/enable", "/v3/maintenance/alarm"],
];

interface RandomMethod {
  readonly path: string;
  readonly descriptor: MessageDescriptor;
}

const METHODS: readonly RandomMethod[] = Object.values(services)
  .flatMap((service) => Object.values(service))
  .flatMap(({ gatewayPaths, request }) =>
    gatewayPaths.map((path) => ({ path, descriptor: request.descriptor })),
  )
  .filter(({ path }) => !EXCLUDED.some((prefix) => path.startsWith(prefix)));

/** Only what all versions of the gateway take, or refuse: they differ over spaces, exponents, lists and base64. */
const ODD_VALUES = [
  ...["1", "-1", "1.5", '"1"', '""', '"a*c"', "null", "true", "{}"],
  ...['"YQ=="', "9223372036854775807", "9223372036854775808", '"<&>"'],
];

const BYTES = ['"YQ=="', '"Zm9v"', '"Zm9vYg=="', '"AAEC"', '"//8="'];

/** A request for a method, mostly a good one. */
export function randomRequest(prng: Prng): GatewayCall {
  const { path, descriptor } = prng.pick(METHODS);
  const body = randomMessage(prng, descriptor, 0);
  const roll = prng.below(20);
  if (roll === 0) return { path, body: body.slice(0, 1 + prng.below(body.length - 1)) };
  if (roll === 1) {
    const at = prng.below(body.length);
    return { path, body: `${body.slice(0, at)}${prng.pick(["{", ",", '"', "x", "\u0000"])}` };
  }
  return { path, body: roll === 2 ? `${body} trailing` : body };
}

function randomMessage(prng: Prng, descriptor: MessageDescriptor, depth: number): string {
  const members: string[] = [];
  const chosen = new Set<string>();
  for (const field of descriptor.fields) {
    // A lease that ends while others are asked about would make a difference.
    if (field.name === "TTL") members.push('"TTL":"6000"');
    if (field.name === "TTL" || prng.below(depth === 0 ? 2 : 3) > 0) continue;
    if (field.oneof !== undefined && chosen.has(field.oneof)) continue;
    if (field.oneof !== undefined) chosen.add(field.oneof);
    const name = prng.below(3) === 0 ? field.jsonName : field.name;
    members.push(`"${name}":${randomValue(prng, field, depth)}`);
  }
  if (prng.below(8) === 0) members.push(`"unknown":${prng.pick(ODD_VALUES)}`);
  return `{${members.join(",")}}`;
}

function randomValue(prng: Prng, field: FieldDescriptor, depth: number): string {
  if (prng.below(25) === 0) return prng.pick(ODD_VALUES);
  if (field.repeated) {
    const one = { ...field, repeated: false };
    return `[${Array.from({ length: prng.below(3) }, () => randomValue(prng, one, depth)).join(",")}]`;
  }
  switch (field.kind) {
    case "bytes":
      return prng.pick(BYTES);
    case "string":
      return prng.pick(['"a"', '"root"', '"b"', '""']);
    case "bool":
      return prng.pick(["true", "false"]);
    case "enum": {
      const names = [...(field.enum?.values.keys() ?? [])];
      return prng.below(3) > 0 ? `"${prng.pick(names)}"` : String(prng.below(3));
    }
    case "message":
      return depth > 3 ? "{}" : randomMessage(prng, field.message?.() ?? NO_MESSAGE, depth + 1);
    default:
      return prng.pick(["0", "1", '"2"', "3", '"7"', "60"]);
  }
}

const NO_MESSAGE: MessageDescriptor = { typeName: "", create: () => ({}), fields: [] };

const KEY = "Zm9v";

const SORT_ORDER_UNKNOWN = 'unknown value "\\"X\\"" for enum etcdserverpb.RangeRequest.SortOrder';

/** Good and bad requests of every kind. */
export const FIXED_REQUESTS: readonly GatewayCall[] = [
  { path: "/v3/kv/put", body: `{"key":"${KEY}","value":"YmFy"}` },
  { path: "/v3/kv/range", body: `{"key":"${KEY}"}` },
  { path: "/v3beta/kv/range", body: `{"key":"${KEY}"}` },
  { path: "/v3/kv/range?key=x", body: `{"key":"${KEY}","rangeEnd":"AA=="}` },
  { path: "/v3/kv/range", body: "" },
  { path: "/v3/kv/range", body: "  \n" },
  { path: "/v3/kv/range", body: "{}" },
  { path: "/v3/kv/range", body: `{"key":"${KEY}","revision":"99"}` },
  { path: "/v3/kv/range", body: `{"key":"${KEY}","unknown":{"a":[1]}}` },
  { path: "/v3/kv/range", body: `{"key":"${KEY}","sort_order":"DESCEND","sort_target":2}` },
  { path: "/v3/kv/range", body: `{"key":"${KEY}","limit":"1","keys_only":true}` },
  { path: "/v3/kv/range", body: `{"key":"${KEY}"} and more` },
  { path: "/v3/kv/txn", body: "{}" },
  {
    path: "/v3/kv/txn",
    body:
      `{"compare":[{"key":"${KEY}","target":"CREATE","result":"GREATER","create_revision":"0"}],` +
      `"success":[{"requestRange":{"key":"${KEY}"}},{"request_put":{"key":"YQ==","prev_kv":true}}],` +
      `"failure":[{"requestDeleteRange":{"key":"YQ=="}}]}`,
  },
  { path: "/v3/kv/txn", body: '{"success":[{}]}' },
  { path: "/v3/kv/deleterange", body: '{"key":"YQ==","prev_kv":true}' },
  { path: "/v3/kv/compaction", body: '{"revision":"1"}' },
  { path: "/v3/kv/compaction", body: '{"revision":"1"}' },
  { path: "/v3/kv/compaction", body: '{"revision":"100"}' },
  { path: "/v3/lease/grant", body: '{"TTL":"60","ID":"5"}' },
  { path: "/v3/lease/grant", body: '{"TTL":"60","ID":"5"}' },
  { path: "/v3/lease/timetolive", body: '{"ID":"6","keys":true}' },
  { path: "/v3/kv/lease/timetolive", body: '{"ID":"6"}' },
  { path: "/v3/lease/leases", body: "{}" },
  { path: "/v3/kv/lease/leases", body: "{}" },
  { path: "/v3/kv/put", body: `{"key":"${KEY}","value":"YmFy","lease":"5"}` },
  { path: "/v3/kv/put", body: `{"key":"${KEY}","lease":"77"}` },
  { path: "/v3/lease/revoke", body: '{"ID":"5"}' },
  { path: "/v3/kv/lease/revoke", body: '{"ID":"5"}' },
  { path: "/v3/lease/keepalive", body: '{"ID":"5"}' },
  { path: "/v3/lease/keepalive", body: '{"ID":"1"} {"ID":"2"}\n{"ID":"3"}' },
  { path: "/v3/lease/keepalive", body: '{"ID":"1"}{"ID":' },
  { path: "/v3/lease/keepalive", body: "" },
  { path: "/v3/lease/keepalive", body: '{"ID":"1"}', headers: { "Grpc-Timeout": "1n" } },
  { path: "/v3/maintenance/alarm", body: '{"action":"GET"}' },
  { path: "/v3/maintenance/alarm", body: "{}" },
  { path: "/v3/maintenance/hashkv", body: '{"revision":"99"}' },
  { path: "/v3/maintenance/defragment", body: "{}" },
  { path: "/v3/maintenance/transfer-leadership", body: '{"targetID":"1"}' },
  { path: "/v3/maintenance/downgrade", body: '{"action":"VALIDATE","version":"x"}' },
  { path: "/v3/maintenance/snapshot", body: "{}", headers: { "Grpc-Timeout": "1n" } },
  { path: "/v3/cluster/member/list", body: "{}" },
  { path: "/v3/cluster/member/remove", body: '{"ID":"1"}' },
  { path: "/v3/cluster/member/promote", body: '{"ID":"1"}' },
  { path: "/v3/cluster/member/update", body: '{"ID":"1","peerURLs":["http://a:1"]}' },
  { path: "/v3/auth/status", body: "{}" },
  { path: "/v3/auth/authenticate", body: '{"name":"a","password":"b"}' },
  { path: "/v3/auth/user/add", body: '{"name":"a","options":{"no_password":true}}' },
  { path: "/v3/auth/user/add", body: '{"name":"a","options":{"noPassword":true}}' },
  { path: "/v3/auth/role/add", body: '{"name":"r"}' },
  {
    path: "/v3/auth/role/grant",
    body: `{"name":"r","perm":{"permType":"READWRITE","key":"${KEY}","range_end":"AA=="}}`,
  },
  { path: "/v3/auth/role/get", body: '{"role":"r"}' },
  { path: "/v3/auth/user/grant", body: '{"user":"a","role":"r"}' },
  { path: "/v3/auth/user/get", body: '{"name":"a"}' },
  { path: "/v3/auth/user/list", body: "{}" },
  { path: "/v3/auth/role/list", body: "{}" },
  { path: "/v3/auth/user/revoke", body: '{"name":"a","role":"r"}' },
  { path: "/v3/auth/role/revoke", body: `{"role":"r","key":"${KEY}"}` },
  { path: "/v3/auth/role/delete", body: '{"role":"r"}' },
  { path: "/v3/auth/user/delete", body: '{"name":"a"}' },
  { path: "/v3/auth/user/delete", body: '{"name":"a"}' },
  { path: "/v3/auth/enable", body: "{}" },
  { path: "/v3/auth/disable", body: "{}" },
  { path: "/v3/lock/lock", body: '{"name":"bA==","lease":"99"}' },
  { path: "/v3/lease/grant", body: '{"TTL":"600","ID":"9"}' },
  { path: "/v3/lock/lock", body: '{"name":"bA==","lease":"9"}' },
  { path: "/v3/lease/grant", body: '{"TTL":"600","ID":"10"}' },
  {
    path: "/v3/lock/lock",
    body: '{"name":"bA==","lease":"10"}',
    headers: { "Grpc-Timeout": "200m" },
  },
  { path: "/v3/lock/unlock", body: '{"key":"bC85"}' },
  { path: "/v3/election/leader", body: '{"name":"ZQ=="}' },
  { path: "/v3/election/campaign", body: '{"name":"ZQ==","lease":"9","value":"dg=="}' },
  { path: "/v3/election/leader", body: '{"name":"ZQ=="}' },
  { path: "/v3/election/proclaim", body: '{"value":"dg=="}' },
  {
    path: "/v3/election/proclaim",
    body: '{"leader":{"name":"ZQ==","key":"ZS85","rev":"1","lease":"9"}}',
  },
  {
    path: "/v3/election/resign",
    body: '{"leader":{"name":"ZQ==","key":"ZS85","rev":"1","lease":"9"}}',
  },
  { path: "/v3/election/resign", body: "{}" },
  { path: "/v3/kv/range", body: `{"key":"${KEY}"}`, headers: { "Grpc-Timeout": "zz" } },
  { path: "/v3/kv/range", body: `{"key":"${KEY}"}`, headers: { "Grpc-Timeout": "5S" } },
  {
    path: "/v3/kv/range",
    body: `{"key":"${KEY}"}`,
    headers: { "Grpc-Metadata-Hasleader": "true" },
  },
  { path: "/v3/kv/range", body: `{"key":"${KEY}"}`, headers: { "Grpc-Metadata-Token": "x" } },
  { path: "/v3/kv/range", body: `{"key":"${KEY}"}`, headers: { Authorization: "x" } },
  { path: "/v3/kv/range", body: `{"key":"${KEY}"}`, headers: { "Grpc-Metadata-A-Bin": "%%" } },
  { path: "/v3/kv/range", body: `{"key":"${KEY}"}`, headers: { "Grpc-Metadata-A-Bin": "YQ" } },
  { path: "/v3/kv/range", body: `{"key":"${KEY}"}`, headers: { "Content-Type": "text/plain" } },
];

/** JSON over which versions of the gateway differ, and the message of ours; none where it succeeds. */
export const QUIRKS: readonly (readonly [body: string, message: string | undefined])[] = [
  ["null", "etcdserver: key is not provided"],
  [`{"key":"YQ==","key":"${KEY}"}`, undefined],
  ['{"key":[102,111,null]}', undefined],
  ['{"key":[256]}', "json: cannot unmarshal number 256 into Go value of type uint8"],
  ['{"key":"Zm9v\\n"}', undefined],
  ['{"key":"Zm8"}', "illegal base64 data at input byte 0"],
  ['{"key":"_-8="}', "illegal base64 data at input byte 0"],
  ['{"key":1}', "json: cannot unmarshal number into Go value of type []uint8"],
  [`{"key":"${KEY}","limit":" 1"}`, undefined],
  [`{"key":"${KEY}","limit":1e3}`, "json: cannot unmarshal number 1e3 into Go value of type int64"],
  [`{"key":"${KEY}","limit":""}`, "unexpected end of JSON input"],
  [`{"key":"${KEY}","sort_order":"X"}`, SORT_ORDER_UNKNOWN],
  [`{"key":"${KEY}","sort_order":null,"serializable":null}`, undefined],
  ['{"key":"Zm9v"', "unexpected EOF"],
  ["{'key':1}", "invalid character '\\'' looking for beginning of object key string"],
  ["[]", "json: cannot unmarshal array into Go value of type map[string]json.RawMessage"],
  ["NaN", "invalid character 'N' looking for beginning of value"],
  ['{"key":"\ud800"}', "illegal base64 data at input byte 0"],
];

/** Requests that no method answers. */
export const UNROUTED_REQUESTS: readonly GatewayCall[] = [
  { path: "/v3/nothing", body: "{}" },
  { path: "/v3/", body: "{}" },
  { path: "/v3/kv/range/", body: "{}" },
  { path: "/v3/kv/range:verb", body: "{}" },
  { path: "/v3/kv/:verb", body: "{}" },
  { path: "/v3alpha/kv/range", body: "{}" },
  { path: "/v3/nothing", body: "", verb: "GET" },
];

/** Requests for a method by the wrong verb. */
export const WRONG_VERBS: readonly GatewayCall[] = ["GET", "PUT", "DELETE", "PATCH"].map(
  (verb) => ({
    path: "/v3/kv/range",
    body: "",
    verb,
  }),
);
