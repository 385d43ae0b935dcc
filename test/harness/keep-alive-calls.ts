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

/** A stream that is open. */
export interface KeepAliveStream {
  send(id: bigint): void;
  /** No more messages from this side. */
  halfClose(): void;
  /** The first answer is there. */
  readonly answered: Promise<void>;
  readonly ended: Promise<KeepAliveOutcome>;
}

export interface KeepAliveCaller {
  open(): KeepAliveStream;
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
    open: () => openStream(raw),
    keepAlive(ids) {
      const stream = openStream(raw);
      for (const id of ids) stream.send(id);
      stream.halfClose();
      return stream.ended;
    },
    close: () => raw.close(),
  };
}

function openStream(raw: RawConnection): KeepAliveStream {
  const answers: LeaseKeepAliveResponse[] = [];
  let onFirst = (): void => {};
  let onEnd = (_outcome: KeepAliveOutcome): void => {};
  const answered = new Promise<void>((resolve) => {
    onFirst = resolve;
  });
  const ended = new Promise<KeepAliveOutcome>((resolve) => {
    onEnd = resolve;
  });
  const call = raw.grpc.stream("/etcdserverpb.Lease/LeaseKeepAlive", raw.metadata, {
    onMessage: (_, message) => {
      answers.push(decodeLeaseKeepAliveResponse(message));
      onFirst();
    },
    onStatus: (_, { code, message: text }) => onEnd({ answers, code, text }),
  });
  return {
    send(id) {
      call.sendMessage(encodeLeaseKeepAliveRequest(createLeaseKeepAliveRequest({ id })));
    },
    halfClose: () => call.halfClose(),
    answered,
    ended,
  };
}
