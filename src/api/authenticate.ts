/**
 * Authenticate: a token for a user who knows the password. The password is checked on this member, beside
 * everything else; that it was checked goes through the log, so that every member knows the token. When users or
 * roles have changed in the meantime, the password is checked again: it may be another one now.
 *
 * Source: etcd server/etcdserver/v3_server.go (Authenticate), server/auth/store.go (CheckPassword; 3.5).
 */
import type { ApplyResult } from "../apply/result.ts";
import { AUTH_NAME_BYTES_MAX, PASSWORD_BYTES_KEPT } from "../auth/limits.ts";
import { ROOT } from "../auth/names.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { ProposalWaiter, ReadWaiter } from "../member/ready.ts";
import type { Log } from "../ports/log.ts";
import { assert } from "../stdx/assert.ts";
import { bytesFromUtf8, utf8FromBytes } from "../stdx/bytes.ts";
import {
  createInternalAuthenticateRequest,
  encodeInternalAuthenticateRequest,
  InternalRaftRequestOperationField as Operation,
} from "../wire/gen/raft-internal.ts";
import { decodeAuthenticateRequest, encodeAuthenticateResponse } from "../wire/gen/rpc.ts";
import { completeHeader, type ServiceContext } from "./context.ts";
import { passwordCallerOf } from "./password-caller.ts";
import { fail } from "./status.ts";
import { unary } from "./unary.ts";

export function authenticateMethod(context: ServiceContext): GrpcMethodHandler {
  const log = context.log.named("api/authenticate.ts");
  return unary(decodeAuthenticateRequest, (call, { name, password }) => {
    const user = name.length > AUTH_NAME_BYTES_MAX ? "" : name;
    const looked = significantPart(password);
    context.member.whenReadable(new Authenticating(context, log, call, user, looked));
  });
}

/** Of a password, what bcrypt looks at and a little more: a long one takes no memory while it waits. */
function significantPart(password: string): string {
  if (password.length <= PASSWORD_BYTES_KEPT) return password;
  return utf8FromBytes(bytesFromUtf8(password).slice(0, PASSWORD_BYTES_KEPT));
}

/** One call, on its way from the question to the token. */
class Authenticating implements ReadWaiter, ProposalWaiter {
  readonly #context: ServiceContext;
  readonly #log: Log;
  readonly #call: GrpcServerCall;
  readonly #name: string;
  readonly #password: string;
  /** Of the auth store when the password was looked up. */
  #revision = 0;

  constructor(
    context: ServiceContext,
    log: Log,
    call: GrpcServerCall,
    name: string,
    password: string,
  ) {
    this.#context = context;
    this.#log = log;
    this.#call = call;
    this.#name = name;
    this.#password = password;
  }

  onReadable(): void {
    this.#check();
  }

  onFailed(error: EtcdError): void {
    fail(this.#call, error);
  }

  isGone(): boolean {
    return !this.#call.open;
  }

  onApplied(result: ApplyResult | EtcdError): void {
    if (result instanceof EtcdError) {
      fail(this.#call, result);
      return;
    }
    const { member, tokens } = this.#context;
    if (member.applier.auth.revision !== this.#revision) {
      this.#log.info("revision when password checked became stale; retrying");
      this.#check();
      return;
    }
    assert(result.kind === "authenticate", "Who authenticates is answered with a token");
    const { header } = result.response;
    const token = tokens.issue(result.response.token, this.#name, this.#revision);
    if (token instanceof EtcdError) {
      fail(this.#call, token);
      return;
    }
    assert(header !== undefined, "Every response has a header");
    completeHeader(this.#context, header);
    this.#call.sendUnary(encodeAuthenticateResponse({ header, token }));
  }

  #check(): void {
    if (!this.#call.open) return;
    const { auth } = this.#context.member.applier;
    if (!auth.enabled) {
      fail(this.#call, Errors.AuthNotEnabled);
      return;
    }
    const user = auth.user(this.#name);
    if (user?.hasNoPassword === true) {
      this.#refuse(Errors.NoPasswordUser, Errors.NoPasswordUser.message);
      return;
    }
    this.#revision = auth.revision;
    const hashes = { hash: user?.password, likeHash: auth.user(ROOT)?.password };
    const caller = passwordCallerOf(this.#call);
    this.#context.passwords.check(this.#name, this.#password, hashes, caller, (refused) => {
      if (refused === undefined) this.#propose();
      else if (refused === Errors.AuthFailed) this.#wrong(user !== undefined);
      else fail(this.#call, refused);
    });
  }

  #wrong(isKnown: boolean): void {
    if (isKnown) this.#log.info("invalid password", { "user-name": this.#name });
    this.#refuse(Errors.AuthFailed, "auth: authentication failed, invalid user ID or password");
  }

  #refuse(error: EtcdError, text: string): void {
    const fields = { user: this.#name, error: text };
    this.#log.warn("invalid authentication was requested", fields);
    fail(this.#call, error);
  }

  #propose(): void {
    const { member, tokens } = this.#context;
    const request = createInternalAuthenticateRequest({
      name: this.#name,
      simpleToken: tokens.newLetters(),
    });
    member.propose(Operation.authenticate, encodeInternalAuthenticateRequest(request), this);
    this.#context.watches.wake();
  }
}
