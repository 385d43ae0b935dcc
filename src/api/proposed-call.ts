/**
 * Calls that propose: what refuses them beforehand for lack of space, and the answer when what they proposed
 * is applied.
 *
 * Source: etcd server/etcdserver/api/v3rpc/quota.go, key.go, lease.go.
 */
import type { ProposalOrigin } from "../apply/proposal-origin.ts";
import { type ApplyResult, encodeResult } from "../apply/result.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { Member } from "../member/member.ts";
import type { ProposalWaiter } from "../member/ready.ts";
import { assert } from "../stdx/assert.ts";
import {
  completeHeader,
  type HeaderContext,
  type ReadTimer,
  type ServiceContext,
} from "./context.ts";
import { fail } from "./status.ts";

/** A call that is answered with what applying its proposal gave. */
export class ProposedCall implements ProposalWaiter, ProposalOrigin {
  readonly startMs: number;
  readonly #context: HeaderContext;
  readonly #call: GrpcServerCall;

  constructor(context: HeaderContext & { readonly reads: ReadTimer }, call: GrpcServerCall) {
    this.startMs = context.reads.start();
    this.#context = context;
    this.#call = call;
  }

  get origin(): ProposalOrigin {
    return this;
  }

  get path(): string {
    return this.#call.path;
  }

  get remote(): string {
    return this.#call.peer.address;
  }

  isGone(): boolean {
    return !this.#call.open;
  }

  onApplied(result: ApplyResult | EtcdError): void {
    if (result instanceof EtcdError) {
      fail(this.#call, result);
      return;
    }
    assert("response" in result, "What a call proposes has a response");
    const { header } = result.response;
    assert(header !== undefined, "Every response has a header");
    completeHeader(this.#context, header);
    if (this.#call.open) this.#call.sendUnary(encodeResult(result));
  }
}

/**
 * Proposes what a call asks for, in the name of who makes it; `waiter` is told what comes of it, or the call is
 * answered why it is not proposed.
 */
export function proposeForCall(
  context: Pick<ServiceContext, "member" | "callers">,
  call: GrpcServerCall,
  field: number,
  body: Uint8Array,
  waiter: ProposalWaiter,
): void {
  const { callers, member } = context;
  const caller = member.applier.auth.enabled ? callers.identityOf(call) : undefined;
  if (caller instanceof EtcdError) fail(call, caller);
  else member.propose(field, body, waiter, caller);
}

/** The answer to a write that the quota has no room for; it also raises the alarm. */
export function spaceRefusal(
  member: Member,
  operation: Parameters<Member["applier"]["quota"]["admits"]>[0],
): EtcdError | undefined {
  if (member.applier.quota.admits(operation)) return undefined;
  member.raiseNoSpace();
  return Errors.NoSpace;
}
