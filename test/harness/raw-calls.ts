/** Calls as bytes over one connection: what was sent is exactly what a server gets, and the other way. */
import { openRawConnection, NO_DEADLINE } from "../../src/client/raw-connection.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
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
  call(path: string, body: Uint8Array): Promise<RawAnswer>;
  /** Makes a call with one request and many answers, and gathers these. */
  stream(path: string, body: Uint8Array): Promise<RawStream>;
  close(): void;
}

/** Connects to `endpoint`; when the connection is lost, open calls end with the code Unavailable. */
export async function openRawCaller(endpoint: string): Promise<RawCaller> {
  const connector = socketConnector(undefined);
  const raw = await openRawConnection({
    endpoint,
    connector,
    clock: systemClock,
    onClosed: () => undefined,
  });
  return {
    call: (path, body) =>
      new Promise((resolve) => {
        raw.grpc.unary(path, raw.metadata, body, NO_DEADLINE, ({ code, message }, answer) => {
          resolve({ code, text: message, body: answer?.slice() });
        });
      }),
    stream: (path, body) =>
      new Promise((resolve) => {
        const messages: Uint8Array[] = [];
        const call = raw.grpc.stream(path, raw.metadata, {
          onMessage: (_, message) => messages.push(message.slice()),
          onStatus: (_, { code, message }) => resolve({ code, text: message, messages }),
        });
        call.sendMessage(body);
        call.halfClose();
      }),
    close: () => raw.close(),
  };
}
