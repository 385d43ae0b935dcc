/**
 * lease-keepalive: every caller renews a lease of its own, each time with a stream for that alone.
 *
 * Source: etcd tools/benchmark/cmd/lease.go (3.5); client/v3/lease.go (KeepAliveOnce).
 */
import { encodeLeaseKeepAliveRequest } from "../../wire/gen/rpc.ts";
import { LeaseService } from "../../wire/gen/services.ts";
import { byteString } from "../byte-text.ts";
import type { Caller } from "./closed-loop.ts";
import { callersOn, runLoad } from "./run-load.ts";
import type { LoadConnection } from "./load-connection.ts";
import type { BenchmarkCall, BenchmarkSession } from "./session.ts";
import { ConnectionOpener, openReport, refuse, showReport, totalOf } from "./settings.ts";

const LEASE_TTL_SECONDS = 100;

export async function runLeaseKeepalive(
  session: BenchmarkSession,
  call: BenchmarkCall,
): Promise<void> {
  const total = totalOf(call.flags);
  const opener = await ConnectionOpener.create(session, call);
  const connections = await opener.openForCallers(call);
  const renewals = await Promise.all(connections.map(grantLease));
  const report = openReport(session, call);
  const callers = callersOn(connections, report);
  const bodies = new Map<Caller, Uint8Array>();
  for (const [i, caller] of callers.entries()) bodies.set(caller, renewals[i]);
  const load = {
    path: LeaseService.leaseKeepAlive.path,
    total,
    perSecond: 0,
    body: (_: number, caller: Caller) => bodies.get(caller) ?? refuse("a caller without a lease"),
  };
  const tookMs = await runLoad(session, load, callers);
  showReport(session, call, "lease-keepalive", report.figures(tookMs));
}

/** Grants a lease. Returns the request that renews it. */
async function grantLease(connection: LoadConnection): Promise<Uint8Array> {
  try {
    const { id } = await connection.ask(LeaseService.leaseGrant, { ttl: LEASE_TTL_SECONDS });
    return encodeLeaseKeepAliveRequest({ id });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return refuse(byteString(error.message));
  }
}
