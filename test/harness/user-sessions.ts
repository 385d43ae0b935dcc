/** Users of one server: each calls with a token of its own, and gets another when it is not taken any more. */
import { Errors } from "../../src/errors/table.ts";
import { AuthService } from "../../src/wire/gen/services.ts";
import { type UserOperation, passwordOf } from "./auth-operations.ts";
import type { RawAnswer, RawCaller } from "./raw-calls.ts";

/** After these a client authenticates anew. */
const STALE: ReadonlySet<string> = new Set([
  Errors.InvalidAuthToken.message,
  Errors.AuthOldRevision.message,
]);

/** After these a user may get a token that got none before; they have its name. */
const RENEWING: ReadonlySet<unknown> = new Set([
  AuthService.userAdd,
  AuthService.userChangePassword,
  AuthService.authEnable,
]);

export class UserSessions {
  readonly #caller: RawCaller;
  readonly #tokens = new Map<string, string>();
  /** Who has got no token since they were added: asking again and again would be taken for an attack. */
  readonly #refused = new Set<string>();

  constructor(caller: RawCaller) {
    this.#caller = caller;
  }

  /** Calls as the user of the operation; as nobody when it cannot get a token at first. */
  async call({ user, method, request }: UserOperation): Promise<RawAnswer> {
    const body = method.request.encode(request);
    if (RENEWING.has(method)) this.#refused.delete((request as { readonly name: string }).name);
    const answer = await this.#caller.call(method.path, body, await this.tokenOf(user));
    if (!STALE.has(answer.text)) return answer;
    this.#tokens.delete(user);
    const token = await this.tokenOf(user);
    return token === undefined ? answer : this.#caller.call(method.path, body, token);
  }

  /** The token that it calls with; `undefined` for nobody and for who cannot get one. */
  async tokenOf(user: string): Promise<string | undefined> {
    if (user === "" || this.#refused.has(user)) return undefined;
    const known = this.#tokens.get(user);
    if (known !== undefined) return known;
    const { authenticate } = AuthService;
    const request = { name: user, password: passwordOf(user) };
    const { body } = await this.#caller.call(
      authenticate.path,
      authenticate.request.encode(request),
    );
    if (body === undefined) {
      this.#refused.add(user);
      return undefined;
    }
    const { token } = authenticate.response.decode(body);
    this.#tokens.set(user, token);
    return token;
  }
}
