/**
 * In whose name calls go on to the servers: the token of whoever made them, as metadata. One array for a token,
 * so that its encoded form is made once.
 */
import { PLAIN_METADATA, tokenMetadata } from "../../client/channel.ts";
import type { GrpcMetadata } from "../../http2/grpc-metadata.ts";
import type { GrpcServerCall } from "../../http2/grpc-server-types.ts";
import { CALLERS_KEPT_MAX } from "../limits.ts";

/** The token of a call; empty for none. */
export function tokenOf(call: GrpcServerCall): string {
  return call.get("token") ?? "";
}

export class Callers {
  /** The oldest first. */
  readonly #known = new Map<string, GrpcMetadata>();

  metadataOf(token: string): GrpcMetadata {
    if (token === "") return PLAIN_METADATA;
    const known = this.#known.get(token);
    if (known !== undefined) return known;
    const metadata = tokenMetadata(token);
    this.#known.set(token, metadata);
    if (this.#known.size > CALLERS_KEPT_MAX) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    return metadata;
  }
}
