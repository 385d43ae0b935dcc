/**
 * The KV service: Range, Put, DeleteRange, Txn, Compact. A request is checked here as etcd's gRPC layer
 * does; writes become proposals with the client's bytes as they came, reads wait until they are
 * linearizable where they must be.
 *
 * Source: etcd server/etcdserver/api/v3rpc/key.go, quota.go, server/etcdserver/v3_server.go.
 */
import { checkTxn } from "../apply/authorization.ts";
import { rangeText, txnText } from "../apply/request-text.ts";
import type { ApplyResult } from "../apply/result.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { ProposalWaiter, ReadWaiter } from "../member/ready.ts";
import { isSingleKey } from "../mvcc/key-range.ts";
import { executeRange } from "../mvcc/range.ts";
import {
  checkDeleteRangeRequest,
  checkPutRequest,
  checkRangeRequest,
  checkTxnRequest,
} from "../mvcc/request-checks.ts";
import { executeTxn, isReadOnlyTxn, isSerializableTxn } from "../mvcc/txn.ts";
import { assert } from "../stdx/assert.ts";
import { EMPTY_BYTES } from "../stdx/bytes.ts";
import { InternalRaftRequestOperationField as Operation } from "../wire/gen/raft-internal.ts";
import {
  decodeCompactionRequest,
  decodeDeleteRangeRequest,
  decodePutRequest,
  decodeRangeRequest,
  decodeTxnRequest,
  encodeRangeRequest,
  encodeRawRangeResponse,
  encodeRawTxnResponse,
  encodeTxnRequest,
  type PutRequest,
  type RangeRequest,
  type RawTxnResponse,
  type ResponseHeader,
  type TxnRequest,
} from "../wire/gen/rpc.ts";
import { type Compactor, completeHeader, type ReadTimer, type ServiceContext } from "./context.ts";
import { LongRanges, type RangeAnswer } from "./long-ranges.ts";
import { proposeForCall, ProposedCall, spaceRefusal } from "./proposed-call.ts";
import { fail } from "./status.ts";
import { unary } from "./unary.ts";

/** What the KV service needs. */
export type KvContext = Pick<
  ServiceContext,
  "member" | "clusterId" | "clock" | "reads" | "callers" | "compactor" | "txnOpsMax"
>;

export function kvMethods(context: KvContext): [string, GrpcMethodHandler][] {
  return [
    ["/etcdserverpb.KV/Range", rangeMethod(context)],
    ["/etcdserverpb.KV/Put", putMethod(context)],
    ["/etcdserverpb.KV/DeleteRange", deleteRangeMethod(context)],
    ["/etcdserverpb.KV/Txn", txnMethod(context)],
    ["/etcdserverpb.KV/Compact", compactMethod(context)],
  ];
}

type Answer<Request> = (call: GrpcServerCall, request: Request, start: number) => void;

/** A read that waits until local state is new enough. */
class WaitingRead<Request> implements ReadWaiter {
  readonly #call: GrpcServerCall;
  readonly #request: Request;
  readonly #start: number;
  readonly #answer: Answer<Request>;

  /** `request` must not view bytes that are only lent; it arrived at `start`. */
  constructor(call: GrpcServerCall, request: Request, start: number, answer: Answer<Request>) {
    this.#call = call;
    this.#request = request;
    this.#start = start;
    this.#answer = answer;
  }

  onReadable(): void {
    if (this.#call.open) this.#answer(this.#call, this.#request, this.#start);
  }

  onFailed(error: EtcdError): void {
    fail(this.#call, error);
  }
}

function rangeMethod(context: KvContext): GrpcMethodHandler {
  const { member, clusterId, clock } = context;
  const ranges = new LongRanges({ member, clusterId, clock, store: () => member.applier.store });
  const answer: Answer<RangeRequest> = (call, request, start) => {
    const refused = member.applier.auth.enabled ? rangeRefusal(context, call, request) : undefined;
    if (refused !== undefined) finishRange(context, call, request, start, refused);
    else if (isSingleKey(request.rangeEnd)) answerOne(context, call, request, start);
    else answerMany(context, ranges, call, request, start);
  };
  return unary(decodeRangeRequest, (call, request) => {
    const start = context.reads.start();
    const refused = checkRangeRequest(request);
    if (refused !== undefined) {
      fail(call, refused);
    } else if (request.serializable) {
      answer(call, request, start);
    } else {
      request.key = request.key.slice();
      request.rangeEnd = request.rangeEnd.slice();
      context.member.whenReadable(new WaitingRead(call, request, start, answer));
    }
  });
}

/** Why the caller may not read a range, where authentication is on. */
function rangeRefusal(
  { callers, member }: KvContext,
  call: GrpcServerCall,
  { key, rangeEnd }: RangeRequest,
): EtcdError | undefined {
  const caller = callers.identityOf(call);
  if (caller instanceof EtcdError) return caller;
  return member.applier.auth.checkRange(caller, key, rangeEnd);
}

function answerOne(
  context: KvContext,
  call: GrpcServerCall,
  request: RangeRequest,
  start: number,
): void {
  const { store } = context.member.applier;
  store.metrics.ranges.inc();
  const response = executeRange(store, request);
  if (response instanceof EtcdError) {
    finishRange(context, call, request, start, response);
    return;
  }
  completeOptionalHeader(context, response.header);
  const bytes = encodeRawRangeResponse(response);
  call.sendUnary(bytes);
  warnOfSlowRange(context, call, request, start, { bytes, count: response.kvs.length });
}

function answerMany(
  context: KvContext,
  ranges: LongRanges,
  call: GrpcServerCall,
  request: RangeRequest,
  start: number,
): void {
  const { auth } = context.member.applier;
  const { enabled, revision } = auth;
  ranges.answer(call, request, (answer, asked) => {
    // What its caller may read can have changed since it was checked.
    const isOld = enabled && revision !== context.member.applier.auth.revision;
    finishRange(context, call, asked, start, isOld ? Errors.AuthOldRevision : answer);
  });
}

function finishRange(
  context: KvContext,
  call: GrpcServerCall,
  request: RangeRequest,
  start: number,
  result: RangeAnswer | EtcdError,
): void {
  if (result instanceof EtcdError) fail(call, result);
  else call.sendUnary(result.bytes);
  warnOfSlowRange(context, call, request, start, result);
}

function warnOfSlowRange(
  { reads }: KvContext,
  call: GrpcServerCall,
  request: RangeRequest,
  start: number,
  result: RangeAnswer | EtcdError,
): void {
  const isRefused = result instanceof EtcdError;
  if (!reads.ranged(start, !isRefused)) return;
  reads.answered(start, {
    call,
    kind: "range",
    text: rangeText(request),
    responseText: isRefused
      ? ""
      : `range_response_count:${result.count} size:${result.bytes.length}`,
    request: encodeRangeRequest(request),
    response: isRefused ? EMPTY_BYTES : result.bytes,
    error: isRefused ? result : undefined,
  });
}

function putMethod(context: KvContext): GrpcMethodHandler {
  return unary(decodePutRequest, (call, request: PutRequest, bytes) => {
    const refused =
      checkPutRequest(request) ?? spaceRefusal(context.member, { case: "put", value: request });
    if (refused !== undefined) fail(call, refused);
    else proposeForCall(context, call, Operation.put, bytes, new ProposedCall(context, call));
  });
}

function deleteRangeMethod(context: KvContext): GrpcMethodHandler {
  return unary(decodeDeleteRangeRequest, (call, request, bytes) => {
    const refused = checkDeleteRangeRequest(request);
    if (refused !== undefined) fail(call, refused);
    else
      proposeForCall(context, call, Operation.deleteRange, bytes, new ProposedCall(context, call));
  });
}

function txnMethod(context: KvContext): GrpcMethodHandler {
  const answer: Answer<TxnRequest> = (call, request, start) =>
    answerReadOnlyTxn(context, call, request, start);
  return unary(decodeTxnRequest, (call, request, bytes) => {
    const start = context.reads.start();
    const refused =
      checkTxnRequest(request, context.txnOpsMax) ??
      spaceRefusal(context.member, { case: "txn", value: request });
    if (refused !== undefined) {
      fail(call, refused);
    } else if (!isReadOnlyTxn(request)) {
      const unauthorized = txnRefusal(context, call, request);
      if (unauthorized === undefined) proposeTxn(context, call, bytes);
      else proposeTxnUnlessRefused(context, call, bytes.slice());
    } else if (isSerializableTxn(request)) {
      answer(call, request, start);
    } else {
      const own = decodeTxnRequest(bytes.slice());
      context.member.whenReadable(new WaitingRead(call, own, start, answer));
    }
  });
}

function proposeTxn(context: KvContext, call: GrpcServerCall, bytes: Uint8Array): void {
  proposeForCall(context, call, Operation.txn, bytes, new ProposedCall(context, call));
}

/**
 * Catches up, and proposes a transaction that this member has refused if it still does not.
 *
 * Differs from etcd: what the caller may not do is not proposed. There members drop what a transaction of
 * another member reads before they ask whether its caller may read it, and so carry out what the one that
 * proposed it refuses; and releases before 3.5.30 do not check all of it.
 */
function proposeTxnUnlessRefused(
  context: KvContext,
  call: GrpcServerCall,
  ownBytes: Uint8Array,
): void {
  const request = decodeTxnRequest(ownBytes);
  const proposeOrRefuse: Answer<TxnRequest> = () => {
    const refused = txnRefusal(context, call, request);
    if (refused === undefined) proposeTxn(context, call, ownBytes);
    else fail(call, refused);
  };
  context.member.whenReadable(
    new WaitingRead(call, request, context.reads.start(), proposeOrRefuse),
  );
}

/** Why the caller may not make a transaction, as far as is known here. */
function txnRefusal(
  { callers, member }: KvContext,
  call: GrpcServerCall,
  request: TxnRequest,
): EtcdError | undefined {
  if (!member.applier.auth.enabled) return undefined;
  const caller = callers.identityOf(call);
  return caller instanceof EtcdError ? caller : checkTxn(member.applier, caller, request);
}

function answerReadOnlyTxn(
  context: KvContext,
  call: GrpcServerCall,
  request: TxnRequest,
  start: number,
): void {
  const { reads, member } = context;
  const response = txnRefusal(context, call, request) ?? executeTxn(member.applier.store, request);
  if (response instanceof EtcdError) {
    fail(call, response);
    warnOfSlowTxn(reads, call, request, start, { error: response });
    return;
  }
  completeOptionalHeader(context, response.header);
  const bytes = encodeRawTxnResponse(response);
  call.sendUnary(bytes);
  warnOfSlowTxn(reads, call, request, start, { answer: response, bytes });
}

function warnOfSlowTxn(
  reads: ReadTimer,
  call: GrpcServerCall,
  request: TxnRequest,
  start: number,
  outcome:
    | { readonly error: EtcdError }
    | { readonly answer: RawTxnResponse; readonly bytes: Uint8Array },
): void {
  if (!reads.isSlow(start)) return;
  const isRefused = "error" in outcome;
  reads.answered(start, {
    call,
    kind: "txn",
    text: txnText(request),
    responseText: isRefused
      ? ""
      : `${txnResponseText(outcome.answer)} size:${outcome.bytes.length}`,
    request: encodeTxnRequest(request),
    response: isRefused ? EMPTY_BYTES : outcome.bytes,
    error: isRefused ? outcome.error : undefined,
  });
}

/** How many keys each range of a transaction found, for the log. */
function txnResponseText({ responses }: RawTxnResponse): string {
  const counts = responses.map(({ response }) =>
    response?.case === "responseRange" ? `range_response_count:${response.value.kvs.length}` : "",
  );
  return `responses:<${counts.filter((text) => text !== "").join(" ")}>`;
}

function compactMethod(context: KvContext): GrpcMethodHandler {
  return unary(decodeCompactionRequest, (call, request, bytes) => {
    const caller = context.callers.identityOf(call);
    const refused =
      caller instanceof EtcdError ? caller : context.member.applier.auth.checkAdmin(caller);
    if (refused !== undefined) {
      fail(call, refused);
      return;
    }
    const answer = new ProposedCall(context, call);
    const waiter = request.physical ? new PhysicalCompaction(context.compactor, answer) : answer;
    proposeForCall(context, call, Operation.compaction, bytes, waiter);
  });
}

/** A physical compaction: it is answered when everything below it is gone. */
class PhysicalCompaction implements ProposalWaiter {
  readonly #compactor: Compactor;
  readonly #call: ProposedCall;

  constructor(compactor: Compactor, call: ProposedCall) {
    this.#compactor = compactor;
    this.#call = call;
  }

  isGone(): boolean {
    return this.#call.isGone();
  }

  onApplied(result: ApplyResult | EtcdError): void {
    // A refused physical compaction waits, too, for the one that is under way.
    this.#compactor.whenCompacted(() => this.#call.onApplied(result));
  }
}

function completeOptionalHeader(context: KvContext, header: ResponseHeader | undefined): void {
  assert(header !== undefined, "Every KV answer has a header");
  completeHeader(context, header);
}
