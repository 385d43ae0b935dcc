/**
 * A connection that many callers share, and that is made again when it is lost. Calls go straight to the
 * HTTP/2 engine; only a caller that finds no connection leaves a function to be called later.
 *
 * Source: etcd client/v3/client.go (getToken), credentials (token of every call); tools/benchmark/cmd/util.go.
 */
import { PLAIN_METADATA, tokenMetadata } from "../../client/channel.ts";
import type { Connector } from "../../client/connector.ts";
import { NO_DEADLINE, openRawConnection, type RawConnection } from "../../client/raw-connection.ts";
import { errorFromStatus, knownError, type RpcStatus } from "../../client/rpc-status.ts";
import { GrpcCode } from "../../errors/codes.ts";
import { Errors } from "../../errors/table.ts";
import type { GrpcClient } from "../../http2/grpc-client-types.ts";
import type { GrpcMetadata } from "../../http2/grpc-metadata.ts";
import type { Clock } from "../../ports/clock.ts";
import { assert } from "../../stdx/assert.ts";
import { goQuote } from "../../stdx/go-quote.ts";
import type { MethodInfo } from "../../wire/codec.ts";
import { WireError } from "../../wire/wire-error.ts";
import { AuthService } from "../../wire/gen/services.ts";

/** Milliseconds before a lost connection is tried again. */
const RECONNECT_PAUSE_MS = 100;

/**
 * Milliseconds that calls wait for a connection before they fail: how long etcd's client tries a call again, 100 times
 * with 25 ms between.
 */
const PATIENCE_MS = 2500;

/** Where connections go that were lost: endpoints in turn. They may change. */
export class Endpoints {
  #all: readonly string[];
  #next = 0;

  /** There must be one at least. */
  constructor(all: readonly string[]) {
    this.#all = all;
  }

  get all(): readonly string[] {
    return this.#all;
  }

  /** From now on it is these, if there are any. */
  replace(all: readonly string[]): void {
    if (all.length > 0) this.#all = all;
  }

  /** The one whose turn it is. */
  next(): string {
    return this.#all[this.#next++ % this.#all.length];
  }
}

/** Where a connection goes, and as whom. Texts are text, not byte strings. */
export interface LoadTarget {
  readonly endpoints: Endpoints;
  readonly connector: Connector;
  readonly clock: Clock;
  /** Whether an endpoint without a scheme is reached by TLS. */
  readonly secure: boolean;
  /** Milliseconds that the first connection may take; as long as it takes when 0. */
  readonly dialTimeoutMs: number;
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
}

export class LoadConnection {
  readonly #target: LoadTarget;
  #raw: RawConnection | undefined;
  #metadata: GrpcMetadata = PLAIN_METADATA;
  #isClosed = false;
  #isGettingToken = false;
  #isReconnecting = false;
  #waiting: ((failure?: RpcStatus) => void)[] = [];
  /** Since when there is no connection. */
  #lostMs = 0;

  private constructor(target: LoadTarget) {
    this.#target = target;
  }

  /** Connects, and gets a token where there is a user. Rejects with the reason. */
  static async open(target: LoadTarget): Promise<LoadConnection> {
    const connection = new LoadConnection(target);
    const { clock, dialTimeoutMs } = target;
    const opening = connection.#connect();
    if (dialTimeoutMs <= 0) await opening;
    else {
      await new Promise<void>((resolve, reject) => {
        const timer = clock.after(dialTimeoutMs, () => {
          connection.close();
          reject(new Error("context deadline exceeded"));
        });
        opening.then(resolve, reject).finally(() => timer.cancel());
      });
    }
    return connection;
  }

  /** Whether a call can be made now. */
  get isUsable(): boolean {
    return this.#raw?.grpc.acceptsCalls === true && !this.#isGettingToken;
  }

  /** Calls go here, when it is usable. */
  get grpc(): GrpcClient {
    assert(this.#raw !== undefined, "Calls are made on a usable connection");
    return this.#raw.grpc;
  }

  /** To be passed with every call. */
  get metadata(): GrpcMetadata {
    return this.#metadata;
  }

  /** Calls `run` when the connection is usable, later than now, or with the reason why it does not become so. */
  whenUsable(run: (failure?: RpcStatus) => void): void {
    this.#waiting.push(run);
  }

  /** The token counts no longer: gets another. Nothing is usable meanwhile. */
  renewToken(): void {
    if (this.#isGettingToken || this.#raw === undefined) return;
    // Without a token calls tell why there is none.
    const resume = (): void => this.#resume();
    this.#getToken().then(resume, resume);
  }

  /** Makes one call outside of any load, on a usable connection. Rejects with the error as users know it. */
  ask<Request extends object, Response extends object>(
    method: MethodInfo<Request, Response>,
    request: Partial<Request>,
  ): Promise<Response> {
    const body = method.request.encode(method.request.create(request));
    return this.exchange(method.path, body, (message) => method.response.decode(message.slice()));
  }

  /** As `ask`, with an encoded request; `read` is given a view of the answer that is valid until it returns. */
  exchange<T>(path: string, body: Uint8Array, read: (message: Uint8Array) => T): Promise<T> {
    if (this.isUsable) return this.#exchange(path, body, read);
    return this.#untilUsable().then(() => this.#exchange(path, body, read));
  }

  #untilUsable(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.whenUsable((failure) => {
        if (failure === undefined) resolve();
        else reject(errorFromStatus(failure, undefined));
      });
    });
  }

  #exchange<T>(path: string, body: Uint8Array, read: (message: Uint8Array) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.grpc.unary(path, this.#metadata, body, NO_DEADLINE, (status, message) => {
        if (message === undefined) {
          reject(errorFromStatus(status, undefined));
          return;
        }
        try {
          resolve(read(message));
        } catch (error) {
          // An answer that is no message is the server's fault, not the connection's.
          if (!(error instanceof WireError)) throw error;
          reject(error);
        }
      });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#raw?.close();
    this.#raw = undefined;
  }

  async #connect(): Promise<void> {
    const { endpoints, connector, clock, secure } = this.#target;
    const raw = await openRawConnection({
      endpoint: endpoints.next(),
      connector,
      clock,
      secure,
      onClosed: () => {
        if (this.#raw === raw) this.#raw = undefined;
        this.#lostMs = clock.nowMs();
        this.#reconnectLater();
      },
    });
    if (this.#isClosed) {
      raw.close();
      return;
    }
    this.#raw = raw;
    await this.#getToken();
    this.#resume();
  }

  #reconnectLater(): void {
    if (this.#isReconnecting || this.#isClosed) return;
    this.#isReconnecting = true;
    const reconnected = (): void => {
      this.#isReconnecting = false;
      if (this.#raw === undefined) this.#reconnectLater();
      // Also without a token: then calls tell why there is none.
      else this.#resume();
    };
    const failed = (error: unknown): void => {
      this.#giveUp(error instanceof Error ? error.message : String(error));
      reconnected();
    };
    this.#target.clock.after(RECONNECT_PAUSE_MS, () => {
      this.#connect().then(reconnected, failed);
    });
  }

  async #getToken(): Promise<void> {
    const { credentials } = this.#target;
    if (credentials === undefined) return;
    const { username: name, password } = credentials;
    this.#isGettingToken = true;
    this.#metadata = PLAIN_METADATA;
    try {
      const { path, request, response } = AuthService.authenticate;
      const body = request.encode(request.create({ name, password }));
      const read = (message: Uint8Array): string => response.decode(message).token;
      const token = await this.#exchange(path, body, read);
      this.#metadata = tokenMetadata(token);
    } catch (error) {
      // Without users in the cluster there is no token, and none is needed.
      if (error !== Errors.AuthNotEnabled) throw error;
    } finally {
      this.#isGettingToken = false;
    }
  }

  /** Whoever has waited long enough is told why there is no connection. */
  #giveUp(reason: string): void {
    if (this.#target.clock.nowMs() - this.#lostMs < PATIENCE_MS) return;
    const message = `connection error: desc = ${goQuote(reason)}`;
    const failure = { code: GrpcCode.Unavailable, message };
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run(failure);
  }

  #resume(): void {
    if (!this.isUsable) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run();
  }
}

/** Whether the server knows the token no longer, or users have changed since it was given. */
export function isTokenRefused(status: RpcStatus): boolean {
  const error = knownError(status);
  return error === Errors.InvalidAuthToken || error === Errors.AuthOldRevision;
}
