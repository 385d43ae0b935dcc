/** Operations of transactions. */
import { createPutRequest, createRequestOp, type RequestOp } from "../../wire/gen/rpc.ts";
import { type KeySpace, keyOf } from "./key-space.ts";

/** A put of `value` to key `number`. */
export function putOperation(space: KeySpace, number: number, value: Uint8Array): RequestOp {
  const put = createPutRequest({ key: keyOf(space, number), value });
  return createRequestOp({ request: { case: "requestPut", value: put } });
}
