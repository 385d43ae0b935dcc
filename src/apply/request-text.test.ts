import { expect, test } from "vitest";
import { bytesFromLatin1 } from "../stdx/bytes.ts";
import { createAuthUserAddRequest, createPutRequest } from "../wire/gen/rpc.ts";
import { operationText } from "./request-text.ts";

test("operationText has who asks, as etcd logs it, and no password", () => {
  const put = { case: "put", value: createPutRequest({ key: bytesFromLatin1("b") }) } as const;
  expect(operationText(7n, put)).toBe('header:<ID:7 > put:<key:"b" >');
  expect(operationText(7n, put, { username: "bob", revision: 83 })).toBe(
    'header:<ID:7 username:"bob" auth_revision:83 > put:<key:"b" >',
  );
  const root = { username: "root", revision: 232 };
  const revoke = { case: "authUserRevokeRole", value: { name: "alice", role: "Rolle ü" } } as const;
  expect(operationText(8n, revoke, root)).toBe(
    'header:<ID:8 username:"root" auth_revision:232 > ' +
      'auth_user_revoke_role:<name:"alice" role:"Rolle \\303\\274" > ',
  );
  const request = { name: "bob", password: "secret", hashedPassword: "hash" };
  const add = { case: "authUserAdd", value: createAuthUserAddRequest(request) } as const;
  expect(operationText(9n, add)).toBe('header:<ID:9 > auth_user_add:<name:"bob" > ');
});
