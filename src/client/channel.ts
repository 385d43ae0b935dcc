/**
 * Calls and streams over a set of endpoints: which connection takes a call, and when a call is tried again.
 *
 * A call is sent again only when that cannot apply it twice:
 * 1. The server surely did not process it (refused, never sent): any call, at once.
 * 2. It changes nothing (`repeatable`) and the server was unavailable: after a short pause.
 * 3. It is a learner, which refused the call, and there are others: any call, as in 2.
 * 4. The server no longer knows our token: any call, with a new token, because it was refused before work.
 *
 * A stream is never tried again here, because only its user knows where to go on. It begins with a new token,
 * which a stream that replaces a lost one needs: the old token may have expired meanwhile.
 *
 * Differs from etcd: its client also sends a changing call again when a server answers Canceled or
 * DeadlineExceeded of its own accord, although such a call may have been applied. Here it is an error.
 *
 * Source: etcd client/v3/retry_interceptor.go, client/v3/retry.go.
 */
import { GrpcCode } from "../errors/codes.ts";
import { EtcdError } from "../errors/etcd-error.ts";
import { Errors } from "../errors/table.ts";
import type { GrpcClient, GrpcStatus } from "../http2/grpc-client-types.ts";
import { EMPTY_METADATA, type GrpcMetadata } from "../http2/grpc-metadata.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import type { MethodInfo } from "../wire/codec.ts";
import { Balancer } from "./balancer.ts";
import { type CallOptions, endReason, isOver, type StreamOptions } from "./call-options.ts";
import { CallStream } from "./call-stream.ts";
import { withinBounds } from "./bounds.ts";
import { Canceller, onAbort } from "./cancel-signal.ts";
import { jitteredMs } from "./jitter.ts";
import {
  CALL_ATTEMPTS_MAX,
  CALL_BACKOFF_FACTOR,
  CALL_BACKOFF_JITTER,
  CALL_BACKOFF_MAX_MS,
  CALL_BACKOFF_MS,
  REQUEST_BYTES_MAX,
  UNPROCESSED_RESENDS_MAX,
} from "./limits.ts";
import type { Link } from "./link.ts";
import { Pause } from "./pause.ts";
import {
  CANCELLED,
  errorFromStatus,
  knownError,
  type RpcStatus,
  statusText,
} from "./rpc-status.ts";
import { isOutcomeUnknown, UnknownOutcomeError } from "./unknown-outcome.ts";

/**
 * What calling a method twice does: nothing, so that it is tried again; nothing, but it is not tried again; or nobody
 * knows, so that a call whose answer is lost is an `UnknownOutcomeError`.
 */
export type Repeatability = "repeatable" | "harmless" | "once";

export interface ChannelSettings {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Names the channel in log lines. */
  readonly target: string;
  /** Makes one link per endpoint, which tell their changes to the function. */
  readonly openLinks: (onChange: (link: Link) => void) => readonly Link[];
  /** Sent with every call. */
  readonly metadata: () => GrpcMetadata;
  /**
   * Milliseconds behind which a call that may be made twice is made of another server, too, when nothing is heard of the
   * first; never when absent.
   */
  readonly hedgeMs?: number;
  /** Bytes of a request; the client library's own bound when absent. */
  readonly requestBytesMax?: number;
  /**
   * Gets a new token, unless `refused`, which a call was made with, is not the present one any more; `undefined` where
   * the client has no user.
   */
  readonly refreshToken: ((refused?: GrpcMetadata) => Promise<void>) | undefined;
}

/** How a call ended; `body` is there exactly when the code is 0. */
export type Answer = RpcStatus & { readonly body: Uint8Array | undefined };

/** How one try ended, and whether the server may have done anything about it. */
type Attempt = Answer & { readonly wasSent: boolean };

/** How a call on one connection ended. */
interface Sent {
  readonly status: GrpcStatus;
  readonly message: Uint8Array | undefined;
}

/** A call that may be made of two servers. */
interface HedgedCall {
  readonly path: string;
  readonly body: Uint8Array;
  readonly options: CallOptions;
  readonly hedgeMs: number;
}

/** What a call is made with whose request and answer are bytes. */
export interface ForwardOptions extends CallOptions {
  /** Sent instead of the channel's own; compared by identity to reuse its encoded form. */
  readonly metadata: GrpcMetadata;
  readonly repeatability: Repeatability;
}

/** The calls of one client to one set of endpoints. */
export class Channel {
  readonly #settings: ChannelSettings;
  readonly #balancer: Balancer;
  #links: readonly Link[];

  constructor(settings: ChannelSettings) {
    this.#settings = settings;
    this.#balancer = new Balancer(settings.clock);
    this.#links = settings.openLinks((link) => this.#balancer.linkChanged(link));
    this.#balancer.setLinks(this.#links);
  }

  /**
   * Goes to these links from now on; `openLinks` gets those there are. Those that are not among them are closed
   * when their calls have ended.
   */
  replaceLinks(
    openLinks: (known: readonly Link[], onChange: (link: Link) => void) => readonly Link[],
  ): void {
    const known = this.#links;
    this.#links = openLinks(known, (link) => this.#balancer.linkChanged(link));
    this.#balancer.setLinks(this.#links);
    for (const link of known) if (!this.#links.includes(link)) link.retire();
  }

  /** Closes every connection; calls that are open end as cancelled. */
  close(): void {
    this.#balancer.close();
    for (const link of this.#links) link.close();
  }

  /** The next connection in turn that is ready, for callers that make calls of their own. */
  pickNow(): GrpcClient | undefined {
    return this.#balancer.pickNow();
  }

  /**
   * Makes one call. Throws `EtcdError` with the text that users of etcd know; `UnknownOutcomeError` for a change that may
   * have been made.
   */
  async call<Request extends object, Response extends object>(
    method: MethodInfo<Request, Response>,
    request: Partial<Request>,
    repeatability: Repeatability,
    options: CallOptions = {},
  ): Promise<Response> {
    const body = method.request.encode(method.request.create(request));
    const { log, target, clock } = this.#settings;
    for (let attempt = 0; ; attempt++) {
      const metadata = options.metadata ?? this.#settings.metadata();
      const bounds = { ...options, metadata };
      const answer = await this.#attempt(method.path, body, bounds, repeatability);
      if (answer.body !== undefined) return method.response.decode(answer.body);
      log.warn("retrying of unary invoker failed", { target, attempt, error: statusText(answer) });
      const ended = endReason(answer, options, clock);
      const isLast = ended !== undefined || attempt + 1 >= CALL_ATTEMPTS_MAX;
      if (isLast || !(await this.#mayRetry(answer, repeatability, bounds))) {
        const error = errorFromStatus(answer, ended);
        const isUnsure = repeatability === "once" && answer.wasSent && isOutcomeUnknown(answer);
        throw isUnsure ? new UnknownOutcomeError(error) : error;
      }
      await this.#pause(attempt + 1, options);
    }
  }

  /**
   * Makes one call for somebody else, of whom the metadata are: bytes go and come as they are, and how it ended
   * is told as the server told it. Never throws.
   */
  async forward(path: string, body: Uint8Array, options: ForwardOptions): Promise<Answer> {
    const { clock } = this.#settings;
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#attempt(path, body, options, "once");
      const mayHelp = this.#mayHelp(answer, options.repeatability);
      const isLast =
        attempt >= CALL_ATTEMPTS_MAX || endReason(answer, options, clock) !== undefined;
      if (!mayHelp || isLast) return answer;
      try {
        await this.#pause(attempt, options);
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        return { ...answer, code: error.code, message: error.message };
      }
    }
  }

  /** The next connection in turn, as soon as there is one; or why there is none. */
  pick({ deadlineMs, signal }: CallOptions): Promise<GrpcClient | RpcStatus> {
    return new Promise((settle) => {
      this.#balancer.pick({ deadlineMs, signal }, settle);
    });
  }

  /**
   * Opens a stream on the next connection in turn, as soon as there is one. Throws `EtcdError` where there is
   * none in time, or the user is refused; what happens later the stream tells.
   */
  async openStream<Request extends object, Response extends object>(
    method: MethodInfo<Request, Response>,
    options: StreamOptions = {},
  ): Promise<CallStream<Request, Response>> {
    const { clock, log, refreshToken } = this.#settings;
    if (refreshToken !== undefined) await withinBounds(refreshToken(), options, clock);
    const picked = await this.pick(options);
    if ("code" in picked) {
      log.error("streamer failed to create ClientStream", { error: statusText(picked) });
      throw errorFromStatus(picked, endReason(picked, options, clock));
    }
    const plain = options.metadata ?? this.#settings.metadata();
    const metadata = options.requireLeader === true ? [...plain, HAS_LEADER_ENTRY] : plain;
    return new CallStream(method, { grpc: picked, metadata, options, clock });
  }

  /**
   * Makes a call that has one request and many answers; the answers up to the end. Throws `EtcdError`, after
   * the answers that came before. Leaving the loop early cancels the call.
   */
  async *serverStream<Request extends object, Response extends object>(
    method: MethodInfo<Request, Response>,
    request: Partial<Request>,
    options: CallOptions = {},
  ): AsyncGenerator<Response, void, undefined> {
    for (let resends = 0; ; resends++) {
      const stream = await this.openStream(method, options);
      stream.send(request);
      stream.closeSend();
      try {
        yield* stream;
        return;
      } catch (error) {
        const { status } = stream;
        const isRefused = status?.unprocessed === true && !isOver(status);
        if (!isRefused || resends >= UNPROCESSED_RESENDS_MAX) throw error;
      }
    }
  }

  /** A message that was sent on `stream` at `sentMs` has no answer; where nothing at all has come since, calls go elsewhere. */
  noteSilence({ grpc }: { readonly grpc: GrpcClient }, sentMs: number): void {
    this.#balancer.noteSilence(grpc, sentMs);
  }

  /** The server of `stream` ended it because it has no leader: calls go elsewhere. */
  noteLeaderless({ grpc }: { readonly grpc: GrpcClient }): void {
    this.#balancer.noteLeaderless(grpc);
  }

  async #mayRetry(
    answer: RpcStatus,
    repeatability: Repeatability,
    options: CallOptions,
  ): Promise<boolean> {
    const known = knownError(answer);
    const { refreshToken, clock } = this.#settings;
    const isTokenOld = known === Errors.InvalidAuthToken || known === Errors.AuthOldRevision;
    if (refreshToken !== undefined && (isTokenOld || known === Errors.UserEmpty)) {
      await withinBounds(refreshToken(options.metadata), options, clock);
      return true;
    }
    // Whoever is known by a certificate asks again as they are: users changed while the call was on its way.
    if (known === Errors.AuthOldRevision) return true;
    return this.#mayHelp(answer, repeatability);
  }

  /** Whether another server, or the same one later, may answer otherwise, and the call is not carried out twice. */
  #mayHelp(answer: RpcStatus, repeatability: Repeatability): boolean {
    // A learner does nothing of what it refuses, and among several endpoints others may be voters.
    if (this.#links.length > 1 && knownError(answer) === Errors.NotSupportedForLearner) return true;
    return repeatability === "repeatable" && answer.code === GrpcCode.Unavailable;
  }

  /** One try: waits for a connection and sends the call, again where it surely was not processed. */
  async #attempt(
    path: string,
    body: Uint8Array,
    options: CallOptions,
    repeatability: Repeatability,
  ): Promise<Attempt> {
    const { requestBytesMax = REQUEST_BYTES_MAX, hedgeMs } = this.#settings;
    const isHedged = repeatability !== "once" && hedgeMs !== undefined;
    if (body.length > requestBytesMax) return tooLarge(body.length, requestBytesMax);
    for (let resends = 0; ; resends++) {
      const picked = await this.pick(options);
      if ("code" in picked) return unsent(picked);
      // Between the choice and this turn the caller may have changed its mind: nothing was sent yet.
      if (options.signal?.aborted === true) return unsent(CANCELLED);
      const { status, message } = await (isHedged && this.#links.length > 1
        ? this.#sendHedged(picked, { path, body, options, hedgeMs })
        : this.#send(picked, path, body, options));
      if (status.unprocessed && resends < UNPROCESSED_RESENDS_MAX && !isOver(status)) continue;
      const { code, unprocessed } = status;
      return { code, message: status.message, body: message, wasSent: !unprocessed };
    }
  }

  #send(
    grpc: GrpcClient,
    path: string,
    body: Uint8Array,
    { deadlineMs, signal, metadata = this.#settings.metadata() }: CallOptions,
  ): Promise<Sent> {
    const sentMs = this.#settings.clock.nowMs();
    return new Promise((settle) => {
      let unlisten = (): void => undefined;
      const limits = deadlineMs === undefined ? {} : { deadlineMs };
      const call = grpc.unary(path, metadata, body, limits, (status, message) => {
        unlisten();
        if (isOver(status)) this.#balancer.noteSilence(grpc, sentMs);
        else if (isLeaderless(status)) this.#balancer.noteLeaderless(grpc);
        // The view is valid until return only.
        settle({ status, message: message?.slice() });
      });
      if (call.open) unlisten = onAbort(signal, () => call.cancel());
    });
  }

  /** As `#send`, and to another server, too, when nothing is heard of the first: the first answer counts. */
  #sendHedged(first: GrpcClient, { path, body, options, hedgeMs }: HedgedCall): Promise<Sent> {
    const { clock } = this.#settings;
    const sentMs = clock.nowMs();
    const open = new Set<Canceller>();
    return new Promise((settle) => {
      const send = (grpc: GrpcClient): void => {
        const own = new Canceller();
        open.add(own);
        const unlisten = onAbort(options.signal, () => own.abort());
        void this.#send(grpc, path, body, { ...options, signal: own }).then((sent) => {
          unlisten();
          const isOpen = open.delete(own);
          const isLost = sent.status.code === GrpcCode.Unavailable && open.size > 0;
          if (!isOpen || isLost) return;
          timer.cancel();
          const others = [...open];
          open.clear();
          for (const other of others) other.abort();
          settle(sent);
        });
      };
      const timer = clock.after(hedgeMs, () => {
        const isSilent = this.#balancer.noteSilence(first, sentMs);
        const other = isSilent ? this.#balancer.pickOther(first) : undefined;
        if (other !== undefined) send(other);
      });
      send(first);
    });
  }

  /** Waits before try number `attempt`, unless a quorum of the endpoints has not been tried yet. */
  #pause(attempt: number, options: CallOptions): Promise<void> {
    const { clock, random } = this.#settings;
    const quorum = Math.floor(this.#links.length / 2) + 1;
    if (attempt % quorum !== 0) return Promise.resolve();
    const growth = CALL_BACKOFF_FACTOR ** (attempt / quorum - 1);
    const pauseMs = Math.min(CALL_BACKOFF_MS * growth, CALL_BACKOFF_MAX_MS);
    const waitMs = jitteredMs(pauseMs, CALL_BACKOFF_JITTER, random);
    return withinBounds(new Pause().wait(clock, waitMs), options, clock);
  }
}

/** Whether the server says that it could not reach a leader in time. */
function isLeaderless(status: RpcStatus): boolean {
  if (status.code !== GrpcCode.Unavailable) return false;
  const known = knownError(status);
  return known !== undefined && LEADERLESS.includes(known);
}

const LEADERLESS: readonly EtcdError[] = [
  Errors.NoLeader,
  Errors.Timeout,
  Errors.TimeoutDueToConnectionLost,
  Errors.TimeoutDueToLeaderFail,
];

function unsent({ code, message }: RpcStatus): Attempt {
  return { code, message, body: undefined, wasSent: false };
}

function tooLarge(length: number, bytesMax: number): Attempt {
  const message = `trying to send message larger than max (${length} vs. ${bytesMax})`;
  return unsent({ code: GrpcCode.ResourceExhausted, message });
}

/** Asks the server to serve a stream only while its cluster has a leader. */
const HAS_LEADER_ENTRY = { name: "hasleader", value: "true" };

/** The protocol version that a server counts its clients by. */
const API_VERSION_ENTRY = { name: "client-api-version", value: "3.5" };

/** Metadata of every call without a token; one array, so that its encoded form is made once. */
export const PLAIN_METADATA: GrpcMetadata = [...EMPTY_METADATA, API_VERSION_ENTRY];

/** Metadata with a token. */
export function tokenMetadata(token: string): GrpcMetadata {
  return [API_VERSION_ENTRY, { name: "token", value: token }];
}
