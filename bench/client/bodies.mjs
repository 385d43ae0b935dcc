/** Encoded requests of the loads: made once, sent many times. */
import {
  createLeaseGrantRequest,
  createPutRequest,
  createRangeRequest,
  createRequestOp,
  createTxnRequest,
  createWatchCreateRequest,
  createWatchRequest,
  encodeLeaseGrantRequest,
  encodeLeaseKeepAliveRequest,
  encodePutRequest,
  encodeRangeRequest,
  encodeTxnRequest,
  encodeWatchRequest,
} from "../../dist/wire/gen/rpc.js";

export const PUT = "/etcdserverpb.KV/Put";
export const RANGE = "/etcdserverpb.KV/Range";
export const TXN = "/etcdserverpb.KV/Txn";
export const WATCH = "/etcdserverpb.Watch/Watch";
export const LEASE_GRANT = "/etcdserverpb.Lease/LeaseGrant";
export const LEASE_KEEP_ALIVE = "/etcdserverpb.Lease/LeaseKeepAlive";

const DIGITS = 10;
const encoder = new TextEncoder();

/** The key of number `index`, of the same length for every index. */
export function keyOf(prefix, index) {
  return encoder.encode(`${prefix}${String(index).padStart(DIGITS, "0")}`);
}

/** The first key behind all that start with `prefix`. */
export function endOfPrefix(prefix) {
  const end = encoder.encode(prefix);
  end[end.length - 1]++;
  return end;
}

export function valueOf(bytes) {
  return new Uint8Array(bytes).fill(0x76);
}

export function putBody(key, value, lease = 0n) {
  return encodePutRequest(createPutRequest({ key, value, lease }));
}

export function rangeBody(key, fields = {}) {
  return encodeRangeRequest(createRangeRequest({ key, ...fields }));
}

/** One transaction that puts `value` under every one of `keys`. */
export function putsBody(keys, value) {
  const success = keys.map((key) =>
    createRequestOp({ request: { case: "requestPut", value: createPutRequest({ key, value }) } }),
  );
  return encodeTxnRequest(createTxnRequest({ success }));
}

export function watchBody(key, rangeEnd = new Uint8Array(0)) {
  const value = createWatchCreateRequest({ key, rangeEnd });
  return encodeWatchRequest(createWatchRequest({ requestUnion: { case: "createRequest", value } }));
}

export function grantBody(ttl, id = 0n) {
  return encodeLeaseGrantRequest(createLeaseGrantRequest({ ttl, id }));
}

export function keepAliveBody(id) {
  return encodeLeaseKeepAliveRequest({ id });
}
