/** The servers behind the proxy: calls and streams that go on to them. */
import { Canceller } from "../../client/cancel-signal.ts";
import type { Answer, Channel, Repeatability } from "../../client/channel.ts";
import { GrpcCode } from "../../errors/codes.ts";
import type { GrpcServerCall } from "../../http2/grpc-server-types.ts";
import type { GrpcMetadata } from "../../http2/grpc-metadata.ts";
import { WireError } from "../../wire/wire-error.ts";
import { type Callers, tokenOf } from "./callers.ts";

export class Upstream {
  readonly channel: Channel;
  readonly #callers: Callers;

  constructor(channel: Channel, callers: Callers) {
    this.channel = channel;
    this.#callers = callers;
  }

  /** Metadata in the name of a token; an empty one is nobody in particular. */
  metadataOf(token: string): GrpcMetadata {
    return this.#callers.metadataOf(token);
  }

  /** Makes the call for whoever made `call`, until that one's deadline; it ends with `call`, too. */
  async forward(
    call: GrpcServerCall,
    body: Uint8Array,
    repeatability: Repeatability,
    path: string = call.path,
  ): Promise<Answer> {
    const canceller = new Canceller();
    call.context = canceller;
    const { deadlineMs } = call;
    return this.channel.forward(path, body, {
      metadata: this.metadataOf(tokenOf(call)),
      repeatability,
      deadlineMs: deadlineMs === Number.POSITIVE_INFINITY ? undefined : deadlineMs,
      signal: canceller,
    });
  }

  /** The client of `call` is gone. */
  cancel(call: GrpcServerCall): void {
    if (call.context instanceof Canceller) call.context.abort();
  }
}

/**
 * `answer` with its body changed by `change`, where it has one; a body that is no such message makes it an error,
 * as it would be for a client.
 */
export function changed(answer: Answer, change: (body: Uint8Array) => Uint8Array): Answer {
  if (answer.body === undefined) return answer;
  try {
    return { ...answer, body: change(answer.body) };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const message = `grpc: failed to unmarshal the received message: ${error.message}`;
    return { code: GrpcCode.Internal, message, body: undefined };
  }
}

/** Hands the answer of a server to whoever made `call`. */
export function finish(call: GrpcServerCall, { code, message, body }: Answer): void {
  if (body !== undefined) call.sendUnary(body);
  else call.sendStatus(code, message);
}
