/**
 * The audit log: who did what to which keys, when, from where, and what came of it. One JSON object a line, for
 * each call, and for each watcher and lease on a stream. Values, passwords and tokens are never in it.
 *
 *   {"time":"2026-01-02T15:04:05.123Z","member":"8e9e05c52164694d","remote":"10.0.0.7:40522","user":"alice",
 *    "method":"/etcdserverpb.KV/Put","key":"a/b","revision":7,"code":"OK","duration_ms":1.25}
 *
 * A line is written when the call is over. Costs nothing where there is no audit log; see `observed`.
 */
import { GrpcCode } from "../../errors/codes.ts";
import type { GrpcServerCall } from "../../http2/grpc-server-types.ts";
import type { AuditSink } from "../../ports/audit.ts";
import type { Clock } from "../../ports/clock.ts";
import { goJsonString, type JsonValue } from "../../stdx/json.ts";
import { decodeLeaseKeepAliveRequest, decodeWatchRequest } from "../../wire/gen/rpc.ts";
import { WireError } from "../../wire/wire-error.ts";
import { AUDIT_RENEWED_LEASES_MAX } from "../limits.ts";
import type { CallObservation, CallObserver } from "../observe/call-observer.ts";
import { type AuditFields, given, leaseField, nameOf, rangeFields } from "./audit-fields.ts";
import { AUDITED_METHODS } from "./audit-methods.ts";
import {
  grantedLeaseOf,
  revisionOf,
  succeededOf,
  watcherFactOf,
} from "../../wire/response-facts.ts";

const WATCH = "/etcdserverpb.Watch/Watch";
const KEEP_ALIVE = "/etcdserverpb.Lease/LeaseKeepAlive";
const TXN = "/etcdserverpb.KV/Txn";
const LEASE_GRANT = "/etcdserverpb.Lease/LeaseGrant";

export interface AuditParts {
  readonly clock: Clock;
  readonly sink: AuditSink;
  /** Of this member, in hexadecimal. */
  readonly memberId: string;
  /** The user as whom `call` is made; "" where it is none, or cannot be told. */
  readonly userOf: (call: GrpcServerCall) => string;
}

export class AuditLog implements CallObserver {
  readonly #parts: AuditParts;

  constructor(parts: AuditParts) {
    this.#parts = parts;
  }

  begin(path: string, call: GrpcServerCall): CallObservation | undefined {
    const entry = new AuditEntry(this.#parts, path, call);
    if (path === WATCH) return new AuditedWatches(entry);
    if (path === KEEP_ALIVE) return new AuditedRenewals(entry);
    const tell = AUDITED_METHODS.get(path);
    return tell === undefined ? undefined : new AuditedCall(entry, path, tell);
  }
}

/** What all lines about one call have in common. */
class AuditEntry {
  readonly #parts: AuditParts;
  readonly #path: string;
  readonly #call: GrpcServerCall;
  readonly #startMs: number;

  constructor(parts: AuditParts, path: string, call: GrpcServerCall) {
    this.#parts = parts;
    this.#path = path;
    this.#call = call;
    this.#startMs = parts.clock.nowMs();
  }

  write(fields: AuditFields, code: number, error: string): void {
    const { clock, sink, memberId, userOf } = this.#parts;
    const { address, commonName } = this.#call.peer;
    const duration = clock.nowMs() - this.#startMs;
    sink.write(
      jsonOf({
        time: new Date(clock.wallMs()).toISOString(),
        member: memberId,
        remote: address,
        ...given("user", userOf(this.#call)),
        ...given("cn", commonName ?? ""),
        method: this.#path,
        ...fields,
        code: nameOf(GrpcCode, code),
        ...given("error", error),
        duration_ms: Math.round(duration * 1000) / 1000,
      }),
    );
  }
}

/** A call with one request and one answer, or one request and a stream of answers. */
class AuditedCall implements CallObservation {
  readonly #entry: AuditEntry;
  readonly #path: string;
  readonly #tell: (request: Uint8Array) => AuditFields;
  #fields: AuditFields = {};
  #outcome: AuditFields = {};

  constructor(entry: AuditEntry, path: string, tell: (request: Uint8Array) => AuditFields) {
    this.#entry = entry;
    this.#path = path;
    this.#tell = tell;
  }

  received(message: Uint8Array): void {
    this.#fields = readable(() => this.#tell(message)) ?? {};
  }

  sent(message: Uint8Array): void {
    const revision = readable(() => revisionOf(message)) ?? 0;
    this.#outcome = {
      ...(this.#path === TXN ? { succeeded: readable(() => succeededOf(message)) ?? false } : {}),
      // The id that the server chose is the one that counts.
      ...(this.#path === LEASE_GRANT
        ? leaseField(readable(() => grantedLeaseOf(message)) ?? 0n)
        : {}),
      ...given("revision", revision),
    };
  }

  ended(code: number, message: string): void {
    this.#entry.write({ ...this.#fields, ...this.#outcome }, code, message);
  }
}

/** A stream of watchers: a line when one is created or refused, when it ends before the stream, and for that. */
class AuditedWatches implements CallObservation {
  readonly #entry: AuditEntry;
  /** Of watchers that were asked for; they are answered in order. */
  readonly #asked: AuditFields[] = [];
  #open = 0;

  constructor(entry: AuditEntry) {
    this.#entry = entry;
  }

  received(message: Uint8Array): void {
    const union = readable(() => decodeWatchRequest(message))?.requestUnion;
    if (union?.case !== "createRequest") return;
    const { startRevision } = union.value;
    this.#asked.push({ ...rangeFields(union.value), ...given("start_revision", startRevision) });
  }

  sent(message: Uint8Array): void {
    const fact = readable(() => watcherFactOf(message));
    if (fact === undefined) return;
    const { watchId, created, canceled, cancelReason, compactRevision } = fact;
    const asked = created ? this.#asked.shift() : undefined;
    this.#open += canceled ? (created ? 0 : -1) : 1;
    const fields = {
      action: created ? "create" : "cancel",
      watch_id: watchId,
      ...asked,
      ...given("canceled", created && canceled),
      ...given("compact_revision", compactRevision),
    };
    this.#entry.write(fields, GrpcCode.OK, cancelReason);
  }

  ended(code: number, message: string): void {
    this.#entry.write({ action: "close", watchers: this.#open }, code, message);
  }
}

/** A stream of renewals: a line for the first one of each lease, and one at the end. */
class AuditedRenewals implements CallObservation {
  readonly #entry: AuditEntry;
  readonly #leases = new Set<bigint>();
  #renewals = 0;

  constructor(entry: AuditEntry) {
    this.#entry = entry;
  }

  received(message: Uint8Array): void {
    const id = readable(() => decodeLeaseKeepAliveRequest(message))?.id;
    if (id === undefined) return;
    this.#renewals++;
    if (this.#leases.has(id) || this.#leases.size >= AUDIT_RENEWED_LEASES_MAX) return;
    this.#leases.add(id);
    this.#entry.write({ action: "renew", ...leaseField(id) }, GrpcCode.OK, "");
  }

  sent(): void {}

  ended(code: number, message: string): void {
    this.#entry.write({ action: "close", renewals: this.#renewals }, code, message);
  }
}

/** `undefined` for bytes that are no such message: the call itself says what is wrong with them. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return undefined;
  }
}

function jsonOf(value: JsonValue): string {
  if (typeof value === "string") return goJsonString(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(",")}]`;
  const members = Object.entries(value).map(
    ([name, member]) => `${goJsonString(name)}:${jsonOf(member)}`,
  );
  return `{${members.join(",")}}`;
}
