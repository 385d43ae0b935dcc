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

export class UserSessions {
  readonly #caller: RawCaller;
  readonly #tokens = new Map<string, string>();

  constructor(caller: RawCaller) {
    this.#caller = caller;
  }

  /** Calls as the user of the operation; as nobody when it cannot get a token. */
  async call({ user, method, request }: UserOperation): Promise<RawAnswer> {
    const body = method.request.encode(request);
    const answer = await this.#caller.call(method.path, body, await this.#tokenOf(user));
    if (!STALE.has(answer.text)) return answer;
    this.#tokens.delete(user);
    return this.#caller.call(method.path, body, await this.#tokenOf(user));
  }

  async #tokenOf(user: string): Promise<string | undefined> {
    if (user === "") return undefined;
    const known = this.#tokens.get(user);
    if (known !== undefined) return known;
    const { authenticate } = AuthService;
    const request = { name: user, password: passwordOf(user) };
    const { body } = await this.#caller.call(
      authenticate.path,
      authenticate.request.encode(request),
    );
    if (body === undefined) return undefined;
    const { token } = authenticate.response.decode(body);
    this.#tokens.set(user, token);
    return token;
  }
}
