/**
 * What generic code (gRPC server, client, gateway) knows of a message type and of a method. The values
 * are generated: gen/services.ts.
 */

import type { MessageDescriptor } from "./descriptor.ts";
import type { Writer } from "./writer.ts";

/** One message type. Methods, not function properties, so that a codec of X is a codec of object. */
export interface Codec<T> {
  /** Full protobuf name: `etcdserverpb.PutRequest`. */
  readonly typeName: string;
  /** Fields, for the JSON mapping (json.ts). */
  readonly descriptor: MessageDescriptor;
  /** A message with every field at its default, except those given. */
  create(partial?: Partial<T>): T;
  encode(message: T): Uint8Array;
  /** Writes the fields of `message` in front of what `writer` holds. */
  write(writer: Writer, message: T): void;
  /** Throws `WireError` on illegal bytes. Byte strings in the result are views into `bytes`. */
  decode(bytes: Uint8Array): T;
}

/** One gRPC method. */
export interface MethodInfo<Request, Response> {
  /** As in the `:path` header: `/etcdserverpb.KV/Put`. */
  readonly path: string;
  /** Full service name: `etcdserverpb.KV`. */
  readonly service: string;
  readonly method: string;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
  readonly clientStreaming: boolean;
  readonly serverStreaming: boolean;
  /** Paths under which the JSON gateway offers it; all are POST. */
  readonly gatewayPaths: readonly string[];
}
