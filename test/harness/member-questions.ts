/**
 * Questions to one member of a cluster, never repeated, and what came of each as one line: the code and text
 * of a failure or what the answer says, and whether it took about as long as a request may take.
 */
import {
  NO_DEADLINE,
  openRawConnection,
  type RawConnection,
} from "../../src/client/raw-connection.ts";
import { socketConnector } from "../../src/cmd/socket-connector.ts";
import type { GrpcMetadata } from "../../src/http2/grpc-metadata.ts";
import { systemClock } from "../../src/platform/clock.ts";
import type { MethodInfo } from "../../src/wire/codec.ts";

/** Metadata of clients that want to know that there is no leader. */
const STRICT: GrpcMetadata = [{ name: "hasleader", value: "true" }];

/** Waits for less than this count as none: the time of a request is more than 5 seconds. */
const LONG_MS = 4000;

/** A stream, and what has come of it so far. */
export interface Talk<Request, Response> {
  readonly answers: Response[];
  send(request: Partial<Request>): void;
  /** Resolves when there are so many answers, or the stream is over. */
  until(count: number): Promise<void>;
  /** As of a unary call that failed; `undefined` while it is open. */
  ended(): string | undefined;
  /** No more messages from this side. */
  halfClose(): void;
  cancel(): void;
}

export class MemberQuestions {
  readonly #endpoint: string;
  readonly #raw: RawConnection;

  private constructor(endpoint: string, raw: RawConnection) {
    this.#endpoint = endpoint;
    this.#raw = raw;
  }

  static async open(endpoint: string): Promise<MemberQuestions> {
    const connector = socketConnector(undefined);
    const onClosed = (): void => undefined;
    const raw = await openRawConnection({ endpoint, connector, clock: systemClock, onClosed });
    return new MemberQuestions(endpoint, raw);
  }

  /** Asks; `tell` says what is worth comparing of an answer. */
  async ask<Request extends object, Response extends object>(
    method: MethodInfo<Request, Response>,
    request: Partial<Request>,
    tell: (response: Response) => unknown = () => "",
    strict = false,
  ): Promise<string> {
    const body = method.request.encode(method.request.create(request));
    const startMs = performance.now();
    const outcome = await new Promise<string>((resolve) => {
      const metadata = strict ? STRICT : this.#raw.metadata;
      this.#raw.grpc.unary(method.path, metadata, body, NO_DEADLINE, (status, answer) => {
        if (answer === undefined) resolve(`${status.code} ${status.message}`);
        else resolve(`OK ${shown(tell(method.response.decode(answer)))}`);
      });
    });
    return withDelay(outcome, startMs);
  }

  /** Opens a stream with one message of the client. */
  talk<Request extends object, Response extends object>(
    method: MethodInfo<Request, Response>,
    first: Partial<Request>,
    strict = false,
  ): Talk<Request, Response> {
    const answers: Response[] = [];
    const startMs = performance.now();
    let ended: string | undefined;
    let changed = (): void => {};
    const call = this.#raw.grpc.stream(method.path, strict ? STRICT : this.#raw.metadata, {
      onMessage: (_, message) => {
        answers.push(method.response.decode(message.slice()));
        changed();
      },
      onStatus: (_, { code, message }) => {
        ended = withDelay(`${code} ${message}`, startMs);
        changed();
      },
    });
    const send = (request: Partial<Request>): void => {
      call.sendMessage(method.request.encode(method.request.create(request)));
    };
    send(first);
    return {
      answers,
      send,
      ended: () => ended,
      halfClose: () => call.halfClose(),
      cancel: () => call.cancel(),
      async until(count) {
        while (ended === undefined && answers.length < count) {
          await new Promise<void>((resolve) => {
            changed = resolve;
          });
        }
      },
    };
  }

  /** What an HTTP endpoint says. */
  async get(path: string): Promise<string> {
    const startMs = performance.now();
    const answer = await fetch(`http://${this.#endpoint}${path}`);
    return withDelay(`${answer.status} ${(await answer.text()).trim()}`, startMs);
  }

  close(): void {
    this.#raw.close();
  }
}

const AT_THE_END = " (when its time was over)";

function withDelay(outcome: string, startMs: number): string {
  const tookMs = performance.now() - startMs;
  return tookMs < LONG_MS ? outcome : `${outcome}${AT_THE_END}`;
}

/** An outcome that may come at any time. */
export function withoutDelay(outcome: string): string {
  return outcome.endsWith(AT_THE_END) ? outcome.slice(0, -AT_THE_END.length) : outcome;
}

function shown(told: unknown): string {
  const plain = (_: string, value: unknown): unknown =>
    typeof value === "bigint" ? `${value}n` : value;
  return typeof told === "string" ? told : JSON.stringify(told, plain);
}
