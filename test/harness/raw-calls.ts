/** Calls as bytes over one connection: what was sent is exactly what a server gets, and the other way. */
import { tokenMetadata } from "../../src/client/channel.ts";
import { openRawConnection, NO_DEADLINE } from "../../src/client/raw-connection.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import type { GrpcMetadata } from "../../src/http2/grpc-metadata.ts";
import type { DialTls } from "../../src/platform/socket-dial.ts";
import { systemClock } from "../../src/platform/clock.ts";

/** How a call ended; `body` is there exactly when `code` is 0. */
export interface RawAnswer {
  readonly code: number;
  readonly text: string;
  readonly body: Uint8Array | undefined;
}

/** How a call with a stream of answers ended. */
export interface RawStream {
  readonly code: number;
  readonly text: string;
  readonly messages: readonly Uint8Array[];
}

export interface RawCaller {
  /** `token` is who calls; nobody in particular when absent. */
  call(path: string, body: Uint8Array, token?: string): Promise<RawAnswer>;
  /** Makes a call with one request and many answers, and gathers these. */
  stream(path: string, body: Uint8Array): Promise<RawStream>;
  /** Opens a call of many messages each way. */
  open(path: string, events: OpenStreamEvents): OpenStream;
  close(): void;
}

export interface OpenStreamEvents {
  /** A message, which the receiver may keep. */
  onMessage(body: Uint8Array): void;
  onEnd?(code: number, text: string): void;
}

export interface OpenStream {
  send(body: Uint8Array): void;
  /** No more messages from this side. */
  halfClose(): void;
  /** Stops, or lets go on, giving the server room to send. */
  setReceiving(receiving: boolean): void;
  /** Ends the call without waiting for the server. */
  cancel(): void;
}

export interface RawCallerOptions {
  /** By TLS, with this. */
  readonly tls?: DialTls;
  /** Sent with every call, unless that has a token of its own. */
  readonly metadata?: GrpcMetadata;
}

/** Connects to `endpoint`; when the connection is lost, open calls end with the code Unavailable. */
export async function openRawCaller(
  endpoint: string,
  { tls, metadata: own = [] }: RawCallerOptions = {},
): Promise<RawCaller> {
  const connector = socketConnector(tls);
  const raw = await openRawConnection({
    endpoint,
    connector,
    clock: systemClock,
    secure: tls !== undefined,
    onClosed: () => undefined,
  });
  const everyCall = [...raw.metadata, ...own];
  return {
    call: (path, body, token) =>
      new Promise((resolve) => {
        const metadata = token === undefined ? everyCall : tokenMetadata(token);
        raw.grpc.unary(path, metadata, body, NO_DEADLINE, ({ code, message }, answer) => {
          resolve({ code, text: message, body: answer?.slice() });
        });
      }),
    stream: (path, body) =>
      new Promise((resolve) => {
        const messages: Uint8Array[] = [];
        const call = raw.grpc.stream(path, everyCall, {
          onMessage: (_, message) => messages.push(message.slice()),
          onStatus: (_, { code, message }) => resolve({ code, text: message, messages }),
        });
        call.sendMessage(body);
        call.halfClose();
      }),
    open: (path, events) => {
      const call = raw.grpc.stream(path, everyCall, {
        onMessage: (_, message) => events.onMessage(message.slice()),
        onStatus: (_, { code, message }) => events.onEnd?.(code, message),
      });
      return {
        send: (body) => void call.sendMessage(body),
        halfClose: () => call.halfClose(),
        setReceiving: (receiving) => call.setReceiving(receiving),
        cancel: () => call.cancel(),
      };
    },
    close: () => raw.close(),
  };
}
