/**
 * The health service of gRPC: whether calls are served. Only the server as a whole, of which the name is empty,
 * has a status.
 *
 * Source: grpc-go health/server.go; etcd server/etcdserver/api/v3rpc/health.go.
 */
import { GrpcCode } from "../errors/codes.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { Log } from "../ports/log.ts";
import {
  decodeHealthCheckRequest,
  decodeHealthListRequest,
  encodeHealthCheckResponse,
  encodeHealthListResponse,
  ServingStatus as Status,
} from "../wire/gen/health.ts";
import { decodeStreamed } from "./status.ts";
import { unary } from "./unary.ts";

/** Whether calls are served, and who wants to be told when that changes. */
export class ServingStatus {
  readonly #log: Log;
  readonly #watchers = new Set<GrpcServerCall>();
  #status: Status = Status.SERVING;

  constructor(log: Log) {
    this.#log = log;
    log.info("grpc service status changed", { service: "", status: "SERVING" });
  }

  get status(): Status {
    return this.#status;
  }

  /** Calls should go elsewhere. */
  stop(reason: string): void {
    this.#log.warn("grpc service status changed", { service: "", status: "NOT_SERVING", reason });
    this.#set(Status.NOT_SERVING);
  }

  start(): void {
    this.#log.info("grpc service status changed", { service: "", status: "SERVING" });
    this.#set(Status.SERVING);
  }

  watch(call: GrpcServerCall): void {
    this.#watchers.add(call);
    tell(call, this.#status);
  }

  forget(call: GrpcServerCall): void {
    this.#watchers.delete(call);
  }

  #set(status: Status): void {
    if (this.#status === status) return;
    this.#status = status;
    for (const call of this.#watchers) tell(call, status);
  }
}

function tell(call: GrpcServerCall, status: Status): void {
  call.sendMessage(encodeHealthCheckResponse({ status }));
}

/** The methods of the service. */
export function healthMethods(serving: ServingStatus): [string, GrpcMethodHandler][] {
  const check = unary(decodeHealthCheckRequest, (call, { service }) => {
    const { status } = serving;
    if (service === "") call.sendUnary(encodeHealthCheckResponse({ status }));
    else call.sendStatus(GrpcCode.NotFound, "unknown service");
  });
  const list = unary(decodeHealthListRequest, (call) => {
    const statuses = [{ key: "", value: { status: serving.status } }];
    call.sendUnary(encodeHealthListResponse({ statuses }));
  });
  return [
    ["/grpc.health.v1.Health/Check", check],
    ["/grpc.health.v1.Health/List", list],
    ["/grpc.health.v1.Health/Watch", watchMethod(serving)],
  ];
}

function watchMethod(serving: ServingStatus): GrpcMethodHandler {
  return {
    kind: "stream",
    onMessage(call, bytes) {
      if (call.context !== undefined) return;
      const request = decodeStreamed(call, bytes, decodeHealthCheckRequest);
      if (request === undefined) return;
      call.context = request;
      if (request.service === "") serving.watch(call);
      else tell(call, Status.SERVICE_UNKNOWN);
    },
    onHalfClose(call) {
      // A call without its only message.
      if (call.context === undefined && call.open) call.sendStatus(GrpcCode.Internal, "EOF");
    },
    onCancel: (call) => serving.forget(call),
  };
}
