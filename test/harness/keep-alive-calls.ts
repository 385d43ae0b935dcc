/** LeaseKeepAlive streams as a test uses them: send some ids, get all the answers and the end. */
import { openRawConnection, type RawConnection } from "../../src/client/raw-connection.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import { systemClock } from "../../src/platform/clock.ts";
import {
  createLeaseKeepAliveRequest,
  decodeLeaseKeepAliveResponse,
  encodeLeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
} from "../../src/wire/gen/rpc.ts";

/** What came of one stream. */
export interface KeepAliveOutcome {
  readonly answers: readonly LeaseKeepAliveResponse[];
  readonly code: number;
  readonly text: string;
}

export interface KeepAliveCaller {
  /** Opens a stream, sends one message per id, ends its side, and waits for the status. */
  keepAlive(ids: readonly bigint[]): Promise<KeepAliveOutcome>;
  close(): void;
}

/** Connects to `endpoint`. */
export async function openKeepAliveCaller(endpoint: string): Promise<KeepAliveCaller> {
  const raw = await openRawConnection({
    endpoint,
    connector: socketConnector(undefined),
    clock: systemClock,
    onClosed: () => undefined,
  });
  return {
    keepAlive: (ids) => keepAlive(raw, ids),
    close: () => raw.close(),
  };
}

function keepAlive(raw: RawConnection, ids: readonly bigint[]): Promise<KeepAliveOutcome> {
  const answers: LeaseKeepAliveResponse[] = [];
  return new Promise((resolve) => {
    const call = raw.grpc.stream("/etcdserverpb.Lease/LeaseKeepAlive", raw.metadata, {
      onMessage: (_, message) => answers.push(decodeLeaseKeepAliveResponse(message)),
      onStatus: (_, { code, message: text }) => resolve({ answers, code, text }),
    });
    for (const id of ids) {
      call.sendMessage(encodeLeaseKeepAliveRequest(createLeaseKeepAliveRequest({ id })));
    }
    call.halfClose();
  });
}
