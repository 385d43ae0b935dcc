/** Users for loads on a server with authentication. */
import { AuthService } from "../../dist/wire/gen/services.js";

/** A user with rights on the keys of loads, and the one that must be there. */
export const WRITER = { name: "writer", password: "a password of a writer" };
const ROOT = { name: "root", password: "a password of root" };

/** Every key of a load begins with it; `RANGE_END` is behind all of them. */
const PREFIX = "bench/";
const RANGE_END = "bench0";

const bytes = (text) => new TextEncoder().encode(text);

async function ask(connection, { path, request, response }, partial = {}) {
  return response.decode(await connection.ask(path, request.encode(request.create(partial))));
}

/** Makes the users and turns authentication on. */
export async function enableAuthentication(connection) {
  const perm = { permType: 2, key: bytes(PREFIX), rangeEnd: bytes(RANGE_END) };
  for (const { name, password } of [ROOT, WRITER]) {
    await ask(connection, AuthService.userAdd, { name, password });
    await ask(connection, AuthService.roleAdd, { name });
    await ask(connection, AuthService.userGrantRole, { user: name, role: name });
  }
  await ask(connection, AuthService.roleGrantPermission, { name: WRITER.name, perm });
  await ask(connection, AuthService.authEnable);
}

/** What calls of the writer carry. */
export async function writerMetadata(connection) {
  const { token } = await ask(connection, AuthService.authenticate, WRITER);
  return [{ name: "token", value: token }];
}

/** A request for a token that is refused. */
export function guessBody(number) {
  const { request } = AuthService.authenticate;
  return request.encode(request.create({ name: WRITER.name, password: `guess ${number}` }));
}

export const AUTHENTICATE = AuthService.authenticate.path;
