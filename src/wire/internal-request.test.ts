import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  createInternalRaftRequest,
  createRequest,
  createRequestHeader,
  decodeInternalRaftRequest,
  decodeRequest,
  encodeInternalRaftRequest,
  encodeRequest,
  InternalRaftRequestOperationField as Field,
} from "./gen/raft-internal.ts";
import type { InternalRaftRequest } from "./gen/raft-internal.ts";
import {
  createAuthUserAddRequest,
  createPutRequest,
  encodeAuthUserAddRequest,
  encodePutRequest,
} from "./gen/rpc.ts";
import { encodeInternalRequest, splitInternalRequest } from "./internal-request.ts";
import { WireError } from "./wire-error.ts";

const header = fc
  .record({
    id: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    username: fc.string({ maxLength: 8 }),
    authRevision: fc.nat(),
  })
  .map((fields) => createRequestHeader(fields));
const text = fc.string({ maxLength: 200 });

/** One request with its operation before the header, or one with it after, in both forms. */
const request = fc.tuple(header, text, fc.boolean()).map(([head, name, before]) => {
  const put = createPutRequest({ value: Buffer.from(name), lease: 77n });
  const add = createAuthUserAddRequest({ name });
  const operation: InternalRaftRequest["operation"] = before
    ? { case: "put", value: put }
    : { case: "authUserAdd", value: add };
  return {
    head,
    field: before ? Field.put : Field.authUserAdd,
    body: before ? encodePutRequest(put) : encodeAuthUserAddRequest(add),
    whole: createInternalRaftRequest({ header: head, operation }),
  };
});

test("encodeInternalRequest writes the bytes of the whole message", () => {
  fc.assert(
    fc.property(request, ({ head, field, body, whole }) => {
      expect(encodeInternalRequest(head, field, body)).toEqual(encodeInternalRaftRequest(whole));
    }),
  );
});

test("splitInternalRequest returns what encodeInternalRequest was given", () => {
  fc.assert(
    fc.property(request, ({ head, field, body }) => {
      const parts = splitInternalRequest(encodeInternalRequest(head, field, body));
      expect(parts).toEqual({ id: 0n, header: head, field, body });
    }),
  );
});

test("splitInternalRequest reads the id, and skips what it does not know", () => {
  expect(splitInternalRequest(Buffer.from("0805980f071200", "hex"))).toMatchObject({
    id: 5n,
    header: undefined,
    field: Field.v2,
  });
});

test("splitInternalRequest refuses an operation that is no message", () => {
  expect(() => splitInternalRequest(Buffer.from("2005", "hex"))).toThrow(
    "proto: wrong wireType = 0 for field Put",
  );
});

test("a bare v2 request, which old entries hold, is refused like by the whole decoder", () => {
  const bare = encodeRequest(createRequest({ id: 9n, method: "PUT", path: "/0/version" }));
  const refusal = "proto: wrong wireType = 0 for field DeleteRange";
  expect(() => splitInternalRequest(bare)).toThrow(refusal);
  expect(() => decodeInternalRaftRequest(bare)).toThrow(WireError);
  expect(decodeRequest(bare)).toMatchObject({ id: 9n, method: "PUT", path: "/0/version" });
});

test("encodeInternalRequest refuses a field that is no operation", () => {
  expect(() => encodeInternalRequest(createRequestHeader(), 12, new Uint8Array(0))).toThrow(
    "Cannot encode an operation of field 12",
  );
});
