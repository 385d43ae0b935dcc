/** Unary calls as bytes over one connection: what was sent is exactly what a server gets, and the other way. */
import { openRawConnection, NO_DEADLINE } from "../../src/client/raw-connection.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import { systemClock } from "../../src/platform/clock.ts";

/** How a call ended; `body` is there exactly when `code` is 0. */
export interface RawAnswer {
  readonly code: number;
  readonly text: string;
  readonly body: Uint8Array | undefined;
}

export interface RawCaller {
  call(path: string, body: Uint8Array): Promise<RawAnswer>;
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
    close: () => raw.close(),
  };
}
