/** Spans over gRPC, to a collector of OpenTelemetry. Source: opentelemetry-proto, collector/trace/v1. */
import type { Connector } from "../client/connector.ts";
import { openRawConnection, type RawConnection } from "../client/raw-connection.ts";
import { GrpcCode } from "../errors/codes.ts";
import type { Clock } from "../ports/clock.ts";
import type { SpanTransport } from "../ports/spans.ts";

const EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/** Milliseconds for one request: as OpenTelemetry for Go. */
const EXPORT_TIMEOUT_MS = 10_000;

/** A connection that is made when there is something to send, and made again when it is lost. */
export class OtlpTransport implements SpanTransport {
  readonly #endpoint: string;
  readonly #connector: Connector;
  readonly #clock: Clock;
  #connection: RawConnection | undefined;
  #isClosed = false;

  constructor(endpoint: string, connector: Connector, clock: Clock) {
    this.#endpoint = endpoint;
    this.#connector = connector;
    this.#clock = clock;
  }

  send(request: Uint8Array, done: (problem: string | undefined) => void): void {
    let isOver = false;
    const end = (problem: string | undefined): void => {
      if (isOver) return;
      isOver = true;
      deadline.cancel();
      done(problem);
    };
    const deadline = this.#clock.after(EXPORT_TIMEOUT_MS, () => {
      end(`${this.#endpoint} takes no spans`);
    });
    const deadlineMs = this.#clock.nowMs() + EXPORT_TIMEOUT_MS;
    this.#connect().then(
      ({ grpc, metadata }) => {
        if (isOver) return;
        grpc.unary(EXPORT, metadata, request, { deadlineMs }, ({ code, message }) => {
          end(code === GrpcCode.OK ? undefined : `rpc error: code = ${code} desc = ${message}`);
        });
      },
      (error: unknown) => end(error instanceof Error ? error.message : String(error)),
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.close();
    this.#connection = undefined;
  }

  async #connect(): Promise<RawConnection> {
    if (this.#connection !== undefined) return this.#connection;
    const connection = await openRawConnection({
      endpoint: this.#endpoint,
      connector: this.#connector,
      clock: this.#clock,
      onClosed: () => {
        this.#connection = undefined;
      },
    });
    if (this.#isClosed) connection.close();
    else this.#connection = connection;
    return connection;
  }
}
