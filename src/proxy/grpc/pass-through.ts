/** Methods that are handed on as they are. */
import { Canceller } from "../../client/cancel-signal.ts";
import type { Repeatability } from "../../client/channel.ts";
import type {
  GrpcClientCall,
  GrpcStatus,
  GrpcStreamHandlers,
} from "../../http2/grpc-client-types.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../../http2/grpc-server-types.ts";
import { tokenOf } from "./callers.ts";
import { finish, type Upstream } from "./upstream.ts";

/**
 * A method of one request and one answer; `before` looks at each request.
 *
 * Differs from etcd: the status is the server's. Its proxy makes "Unknown" of most codes.
 */
export function unaryPassThrough(
  upstream: Upstream,
  repeatability: Repeatability,
  before: (message: Uint8Array) => void = () => undefined,
): GrpcMethodHandler {
  return {
    kind: "unary",
    onMessage(call, message) {
      before(message);
      // The view is valid until return only.
      void upstream
        .forward(call, message.slice(), repeatability)
        .then((answer) => finish(call, answer));
    },
    onHalfClose() {},
    onCancel: (call) => upstream.cancel(call),
  };
}

/** A method of one request and many answers. */
export function serverStreamPassThrough(upstream: Upstream): GrpcMethodHandler {
  return {
    kind: "stream",
    onMessage(call, message) {
      if (call.context !== undefined) return;
      const relay = new AnswerRelay(call);
      call.context = relay;
      void relay.run(upstream, message.slice());
    },
    onHalfClose() {},
    onCancel(call) {
      if (call.context instanceof AnswerRelay) call.context.cancel();
    },
    onWritable(call) {
      if (call.context instanceof AnswerRelay) call.context.goOn();
    },
  };
}

/** Takes answers of a server no faster than the client does. */
class AnswerRelay implements GrpcStreamHandlers {
  readonly #call: GrpcServerCall;
  readonly #canceller = new Canceller();
  #server: GrpcClientCall | undefined;

  constructor(call: GrpcServerCall) {
    this.#call = call;
  }

  async run(upstream: Upstream, request: Uint8Array): Promise<void> {
    const call = this.#call;
    const { deadlineMs } = call;
    const hasDeadline = deadlineMs < Number.POSITIVE_INFINITY;
    const picked = await upstream.channel.pick({
      signal: this.#canceller,
      deadlineMs: hasDeadline ? deadlineMs : undefined,
    });
    if ("code" in picked) {
      call.sendStatus(picked.code, picked.message);
      return;
    }
    if (!call.open) return;
    const metadata = upstream.metadataOf(tokenOf(call));
    const limits = hasDeadline ? { deadlineMs } : {};
    this.#server = picked.stream(call.path, metadata, this, limits);
    this.#server.sendMessage(request);
    this.#server.halfClose();
  }

  cancel(): void {
    this.#canceller.abort();
    this.#server?.cancel();
  }

  goOn(): void {
    this.#server?.setReceiving(true);
  }

  onMessage(server: GrpcClientCall, message: Uint8Array): void {
    if (!this.#call.sendMessage(message.slice())) server.setReceiving(false);
  }

  onStatus(_: GrpcClientCall, { code, message }: GrpcStatus): void {
    this.#call.sendStatus(code, message);
  }
}
