/**
 * What can be set on a connection. Everything has a default; the defaults are etcd's where etcd has one.
 */
import type { ClientPeer } from "../ports/client-peer.ts";
import type { Clock } from "../ports/clock.ts";
import type { HttpServerRequest } from "../ports/http.ts";
import type { Counter } from "../stdx/metrics/counter.ts";
import type { EndpointEvents } from "./endpoint.ts";
import type { GrpcMethodHandler } from "./grpc-server-types.ts";
import type { SharedMemory } from "./shared-memory.ts";

/** What both sides share. Units are in the names. */
export interface ConnectionOptions {
  /** Bytes of one received message, decompressed. */
  readonly receiveMessageBytesMax?: number;
  readonly streamWindowBytes?: number;
  readonly connectionWindowBytes?: number;
  readonly headerListBytesMax?: number;
  readonly handshakeTimeoutMs?: number;
  readonly settingsAckTimeoutMs?: number;
  readonly partialFrameTimeoutMs?: number;
  readonly sendStallTimeoutMs?: number;
  /** PING after this much silence; 0 for never. */
  readonly keepaliveTimeMs?: number;
  /** End when nothing is heard for this long after that PING. */
  readonly keepaliveTimeoutMs?: number;
}

export interface ServerConnectionOptions extends ConnectionOptions {
  /** Announced to the client; `CONCURRENT_STREAMS_UNLIMITED` and 0 announce nothing. */
  readonly maxConcurrentStreams?: number;
  /** Least time between PINGs of the client; 0 lets any rate pass. */
  readonly keepaliveMinTimeMs?: number;
  /** Whether the client may send PINGs at that rate also without an open call. */
  readonly keepalivePermitWithoutStream?: boolean;
}

/**
 * Decompresses a gzip member; `undefined` when it is not valid. Returns at most `limit + 1` bytes: one more
 * than the limit tells the caller that it is exceeded, without unpacking a bomb.
 */
export type Inflate = (bytes: Uint8Array, limit: number) => Uint8Array | undefined;

export interface GrpcServerConfig {
  /**
   * The handler of a path (`/package.Service/Method`). Must give the same answer for the same path during
   * the life of a connection: answers are remembered.
   */
  lookup(path: string): GrpcMethodHandler | undefined;
  /** Whether `service` has any method: decides between the two texts of UNIMPLEMENTED. */
  knowsService?(service: string): boolean;
  /** A request that is not gRPC, when its head is there. Absent: such requests get 415 as from grpc-go. */
  onPlainRequest?(request: HttpServerRequest): void;
  /** Whether all requests are taken for plain ones, also those of gRPC. */
  readonly isPlainOnly?: boolean;
  /** The value of the header "date" of answers to such requests. Absent: they have none. */
  readonly dateOf?: () => string;
  /** Enables `grpc-encoding: gzip` on requests. Answers are never compressed. */
  readonly inflate?: Inflate;
  readonly limits?: ServerConnectionOptions;
  /** What bounds all connections together. Absent: each is bounded by itself. */
  readonly sharedMemory?: SharedMemory;
  /** Counts the bytes of all messages; nobody does when absent. */
  readonly traffic?: GrpcTraffic;
}

/** Bytes of messages, without their frames. */
export interface GrpcTraffic {
  readonly receivedBytes: Counter;
  readonly sentBytes: Counter;
}

export interface GrpcServerArguments {
  /** Shared by all connections of a listener. */
  readonly config: GrpcServerConfig;
  readonly events: EndpointEvents;
  /** Who is at the other end: what handlers see as `call.peer`. Absent: nobody in particular. */
  readonly peer?: ClientPeer;
}

export interface ClientConnectionOptions extends ConnectionOptions {
  /** Whether keepalive PINGs go on without an open call. */
  readonly keepalivePermitWithoutStream?: boolean;
}

export interface GrpcClientArguments {
  /** The `:authority` of every call, such as `127.0.0.1:2379`. */
  readonly authority: string;
  readonly scheme?: "http" | "https";
  readonly userAgent?: string;
  readonly events: EndpointEvents;
  /** Asked when a call with a deadline starts, to tell the server how long it has. */
  readonly clock: Pick<Clock, "nowMs">;
  readonly limits?: ClientConnectionOptions;
}
