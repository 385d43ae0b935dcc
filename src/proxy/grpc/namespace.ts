/**
 * Keys below a prefix that clients do not see: it is put in front of the keys of requests and taken from those of
 * answers.
 *
 * Source: etcd client/v3/namespace (kv.go, watch.go, lease.go, util.go).
 */
import { bytesFromUtf8, concatBytes, EMPTY_BYTES } from "../../stdx/bytes.ts";
import type { KeyValue } from "../../wire/gen/kv.ts";
import type { RequestOp, ResponseOp, TxnRequest, TxnResponse } from "../../wire/gen/rpc.ts";

/** A range as requests name it: an empty end means one key, a zero byte all from the key on. */
interface Interval {
  key: Uint8Array;
  rangeEnd: Uint8Array;
}

export class Namespace {
  readonly #prefix: Uint8Array;
  /** The first key behind all that have the prefix; a zero byte when there is none. */
  readonly #end: Uint8Array;

  constructor(prefix: string) {
    this.#prefix = bytesFromUtf8(prefix);
    this.#end = endOfPrefix(this.#prefix);
  }

  get isEmpty(): boolean {
    return this.#prefix.length === 0;
  }

  inside(key: Uint8Array): Uint8Array {
    return this.isEmpty ? key : concatBytes([this.#prefix, key]);
  }

  outside(key: Uint8Array): Uint8Array {
    return key.subarray(this.#prefix.length);
  }

  /** Changes a request's range in place. */
  enter(range: Interval): void {
    if (this.isEmpty) return;
    range.key = this.inside(range.key);
    const { rangeEnd } = range;
    if (rangeEnd.length === 1 && rangeEnd[0] === 0) range.rangeEnd = this.#end;
    else if (rangeEnd.length > 0) range.rangeEnd = this.inside(rangeEnd);
  }

  /** Changes keys of an answer in place. */
  leave(values: readonly (KeyValue | undefined)[]): void {
    if (this.isEmpty) return;
    for (const value of values) {
      if (value !== undefined) value.key = this.outside(value.key);
    }
  }

  enterTxn({ compare, success, failure }: TxnRequest): void {
    for (const each of compare) this.enter(each);
    for (const { request } of [...success, ...failure] satisfies RequestOp[]) {
      if (request?.case === "requestPut") request.value.key = this.inside(request.value.key);
      else if (request?.case === "requestTxn") this.enterTxn(request.value);
      else if (request !== undefined) this.enter(request.value);
    }
  }

  leaveTxn({ responses }: TxnResponse): void {
    for (const { response } of responses satisfies ResponseOp[]) {
      if (response?.case === "responseRange") this.leave(response.value.kvs);
      else if (response?.case === "responsePut") this.leave([response.value.prevKv]);
      else if (response?.case === "responseDeleteRange") this.leave(response.value.prevKvs);
      else if (response?.case === "responseTxn") this.leaveTxn(response.value);
    }
  }
}

function endOfPrefix(prefix: Uint8Array): Uint8Array {
  const end = prefix.slice();
  for (let at = end.length - 1; at >= 0; at--) {
    if (end[at] === 0xff) continue;
    end[at]++;
    return end.slice(0, at + 1);
  }
  return prefix.length === 0 ? EMPTY_BYTES : new Uint8Array(1);
}
