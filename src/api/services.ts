/** All methods that are served, by path: what the gRPC engine looks calls up in. */
import type { GrpcMethodHandler } from "../http2/grpc-server-types.ts";
import { Admission } from "./admission.ts";
import { authMethods } from "./auth.ts";
import { clusterMethods } from "./cluster.ts";
import type { ServiceContext } from "./context.ts";
import { countedMethod } from "./counted-method.ts";
import { electionMethods } from "./election.ts";
import { healthMethods } from "./health-service.ts";
import { InnerCalls } from "./inner-call.ts";
import { kvMethods } from "./kv.ts";
import { leaseMethods } from "./lease.ts";
import { lockMethods } from "./lock.ts";
import { maintenanceMethods } from "./maintenance.ts";
import type { CallObserver } from "./observe/call-observer.ts";
import { observed } from "./observe/observed-method.ts";
import { watchMethods } from "./watch.ts";

export interface Services {
  lookup(path: string): GrpcMethodHandler | undefined;
  /** Calls from inside the process, guarded and observed as those from outside. */
  readonly calls: InnerCalls;
  /** Whether any method of the service is there; decides how an unknown method is answered. */
  knowsService(service: string): boolean;
}

/** The services of `context`; `observers` look on each of their calls. */
export function createServices(
  context: ServiceContext,
  observers: readonly CallObserver[] = [],
): Services {
  const admission = new Admission(context);
  const methods = new Map<string, GrpcMethodHandler>();
  const served = [
    ...kvMethods(context),
    ...leaseMethods(context),
    ...clusterMethods(context),
    ...maintenanceMethods(context),
    ...authMethods(context),
    ...watchMethods(context),
    ...healthMethods(context.serving),
  ];
  const options = {
    clock: context.clock,
    messageBytesMax: context.requestBytesMax,
    poke: () => context.watches.wake(),
  };
  // What a lock asks for is part of the call of the lock, and not seen as calls of its own.
  const unobserved = new Map<string, GrpcMethodHandler>();
  const steps = new InnerCalls((path) => unobserved.get(path), options);
  served.push(...lockMethods(steps), ...electionMethods(steps));
  for (const [path, handler] of served) {
    unobserved.set(path, admission.guard(path, handler));
    const guarded = admission.guard(path, countedMethod(context.rpcs, path, handler));
    methods.set(path, observed(path, guarded, observers, context.clock));
  }
  const services = new Set([...methods.keys()].map((path) => path.split("/")[1]));
  return {
    calls: new InnerCalls((path) => methods.get(path), options),
    lookup: (path) => methods.get(path),
    knowsService: (service) => services.has(service),
  };
}
