/**
 * The client library: typed calls to a cluster.
 *
 * Everything outside (time, randomness, connections, log lines) comes in through ports, so the same client
 * runs over sockets, in a simulator and against a server in the same process.
 *
 * Source: etcd client/v3/client.go, config.go.
 */
import { Errors } from "../errors/table.ts";
import type { GrpcMetadata } from "../http2/grpc-metadata.ts";
import type { ClientConnectionOptions } from "../http2/options.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import { AuthService } from "../wire/gen/services.ts";
import { Auth } from "./auth.ts";
import { Channel, PLAIN_METADATA, tokenMetadata } from "./channel.ts";
import type { CallOptions } from "./call-options.ts";
import { Cluster } from "./cluster.ts";
import type { Connector } from "./connector.ts";
import { type ClientEndpoint, endpointAuthority, parseEndpoint } from "./endpoint.ts";
import { Kv } from "./kv.ts";
import { Lease } from "./lease.ts";
import { KEEP_ALIVE_FIRST_ANSWER_MS, KEEPALIVE_TIME_MIN_MS, RESPONSE_BYTES_MAX } from "./limits.ts";
import { Link, RECONNECT_PAUSES, type ReconnectPauses } from "./link.ts";
import { Maintenance } from "./maintenance.ts";
import { Watch } from "./watch.ts";

/** How a client of the calls as they are on the wire is opened. */
export interface ClientOptions {
  /** At least one; each `host:port`, a URL, or a Unix socket. */
  readonly endpoints: readonly string[];
  /** Makes connections. */
  readonly connector: Connector;
  /** Counts the time of calls, connections and leases. */
  readonly clock: Clock;
  /** Spreads attempts to connect. */
  readonly random: Random;
  /** Told of connections. */
  readonly log: Log;
  /** Whether endpoints without a scheme are reached by TLS. */
  readonly secure?: boolean;
  /** Milliseconds that getting a token may take; no limit when absent. */
  readonly dialTimeoutMs?: number;
  /** Milliseconds of silence before a keepalive PING; none when absent or 0. */
  readonly keepaliveTimeMs?: number;
  /** Milliseconds from that PING until the connection counts as dead; 20 s when absent. */
  readonly keepaliveTimeoutMs?: number;
  /** Whether such PINGs go on while there are no calls. */
  readonly keepalivePermitWithoutStream?: boolean;
  /** Milliseconds between attempts to connect: grows from the first to the longest; grpc's when absent. */
  readonly reconnect?: Partial<ReconnectPauses>;
  /**
   * Milliseconds behind which a read is asked of another server, too, when nothing at all is heard of the first; never
   * when absent.
   */
  readonly hedgeMs?: number;
  /** Most bytes of a request; 2 MiB when absent. */
  readonly requestBytesMax?: number;
  /** Most bytes of an answer; 2 GiB when absent. */
  readonly responseBytesMax?: number;
  /** Who calls, with `password`: both or neither; nobody in particular when absent. */
  readonly username?: string;
  /** Of `username`; both or neither, none when absent. */
  readonly password?: string;
  /** A token that somebody else has made, sent with every call as it is; not beside a user. */
  readonly token?: string;
}

/** A client without endpoints. */
export class NoEndpointsError extends Error {
  /** Always the same text. */
  constructor() {
    super("etcdclient: no available endpoints");
    this.name = "NoEndpointsError";
  }
}

/**
 * Opens a client. Connections are made in the background; only a client with a user waits here, for its
 * token. Throws `NoEndpointsError`, or `EtcdError` when the user is refused.
 */
export async function openClient(options: ClientOptions): Promise<Client> {
  const client = new Client(options);
  try {
    await client.authenticate();
  } catch (error) {
    client.close();
    throw error;
  }
  return client;
}

let clientsOpened = 0;

/**
 * An open client of the calls as they are on the wire; `close` it. Requests and answers are the messages of etcd's
 * protocol, in camel case: integers of 64 bits are numbers, ids are bigints, keys and values byte arrays, which are
 * borrowed until a call has ended. Calls throw `EtcdError`.
 */
export class Client {
  /** The service `etcdserverpb.Auth`. */
  readonly auth: Auth;
  /** The service `etcdserverpb.KV`. */
  readonly kv: Kv;
  /** The service `etcdserverpb.Cluster`. */
  readonly cluster: Cluster;
  /** The service `etcdserverpb.Maintenance`. */
  readonly maintenance: Maintenance;
  /** The service `etcdserverpb.Watch`; watches outlive their connections. */
  readonly watch: Watch;
  /** The service `etcdserverpb.Lease`. */
  readonly lease: Lease;
  /** The connections. @internal */
  readonly channel: Channel;
  readonly #options: ClientOptions;
  readonly #name = `etcd-endpoints://0x${(++clientsOpened).toString(16)}`;
  #metadata: GrpcMetadata = PLAIN_METADATA;
  /** The question for a token that is under way. */
  #authenticating: Promise<void> | undefined;

  /** As `openClient`, without a token. Throws `NoEndpointsError`. */
  constructor(options: ClientOptions) {
    if (options.endpoints.length === 0) throw new NoEndpointsError();
    this.#options = options;
    if (options.token !== undefined) this.#metadata = tokenMetadata(options.token);
    this.channel = this.#openChannel(options.endpoints);
    this.auth = new Auth(this.channel);
    this.kv = new Kv(this.channel);
    this.cluster = new Cluster(this.channel);
    this.maintenance = new Maintenance(this.channel, (endpoint) => this.#dial(endpoint));
    this.watch = new Watch(this.channel, options.clock);
    const { dialTimeoutMs } = options;
    const firstAnswerMs =
      dialTimeoutMs === undefined ? KEEP_ALIVE_FIRST_ANSWER_MS : dialTimeoutMs + 1000;
    this.lease = new Lease(this.channel, options.clock, firstAnswerMs);
  }

  /** Ends connections, watches and the upkeep of leases; open calls end as cancelled. */
  close(): void {
    this.watch.close();
    this.lease.close();
    this.maintenance.close();
    this.channel.close();
  }

  /**
   * Gets a token for the user, if there is one; a cluster without authentication needs none. Whoever comes while it is
   * asked for waits for the same one: servers make passwords slow to check.
   */
  authenticate(): Promise<void> {
    this.#authenticating ??= this.#authenticate().finally(() => {
      this.#authenticating = undefined;
    });
    return this.#authenticating;
  }

  async #authenticate(): Promise<void> {
    const { username = "", password = "", clock, dialTimeoutMs } = this.#options;
    if (username === "" || password === "") return;
    const deadlineMs = dialTimeoutMs === undefined ? undefined : clock.nowMs() + dialTimeoutMs;
    const request = { name: username, password };
    const { authenticate } = AuthService;
    // Other calls go on with the old token meanwhile; only this one must not send it.
    const options = { deadlineMs, metadata: PLAIN_METADATA };
    try {
      const answer = await this.channel.call(authenticate, request, "harmless", options);
      this.#metadata = tokenMetadata(answer.token);
    } catch (error) {
      if (error !== Errors.AuthNotEnabled) throw error;
      this.#metadata = PLAIN_METADATA;
    }
  }

  /**
   * Goes to all members of the cluster from now on, wherever they say that they are: to the endpoints that it
   * returns, or where there are none, to those from before. Throws `EtcdError` when nobody tells who they are.
   */
  async syncEndpoints(options?: CallOptions): Promise<readonly string[]> {
    const { members } = await this.cluster.memberList(options);
    const started = members.filter(({ name, isLearner }) => name !== "" && !isLearner);
    const endpoints = started.flatMap(({ clientUrls }) => clientUrls);
    if (endpoints.length === 0) return endpoints;
    this.channel.replaceLinks((known, onChange) => {
      const parsed = endpoints.map(parseEndpoint);
      const secure = this.#isSecure(parsed[0]);
      return parsed.map(
        (endpoint) =>
          known.find((link) => link.endpoint.text === endpoint.text) ??
          this.#openLink(endpoint, secure, onChange),
      );
    });
    return endpoints;
  }

  /** A channel to one endpoint alone, with a token of its own client. */
  async #dial(endpoint: string): Promise<Channel> {
    const channel = this.#openChannel([endpoint]);
    await this.authenticate();
    return channel;
  }

  #openChannel(endpoints: readonly string[]): Channel {
    const { clock, random, log, requestBytesMax, hedgeMs } = this.#options;
    const { username = "", password = "" } = this.#options;
    const parsed = endpoints.map(parseEndpoint);
    const secure = this.#isSecure(parsed[0]);
    const hasUser = username !== "" && password !== "";
    return new Channel({
      clock,
      random,
      log,
      target: `${this.#name}/${endpointAuthority(this.#options.endpoints[0])}`,
      metadata: () => this.#metadata,
      ...(requestBytesMax === undefined ? {} : { requestBytesMax }),
      ...(hedgeMs === undefined ? {} : { hedgeMs }),
      refreshToken: hasUser ? (refused) => this.#refreshToken(refused) : undefined,
      openLinks: (onChange) => parsed.map((endpoint) => this.#openLink(endpoint, secure, onChange)),
    });
  }

  /** Of many calls that are refused at once, the first gets a new token, and the others use it. */
  #refreshToken(refused: GrpcMetadata | undefined): Promise<void> {
    const isNew = refused !== undefined && refused !== this.#metadata;
    return isNew ? Promise.resolve() : this.authenticate();
  }

  #openLink(endpoint: ClientEndpoint, secure: boolean, onChange: (link: Link) => void): Link {
    const { connector, clock, random } = this.#options;
    const limits = this.#limits();
    const pauses = { ...RECONNECT_PAUSES, ...this.#options.reconnect };
    return new Link({ connector, clock, random, endpoint, secure, limits, pauses, onChange });
  }

  /** The first endpoint decides for all, as upstream. */
  #isSecure({ security }: ClientEndpoint): boolean {
    return security === "optional" ? this.#options.secure === true : security === "require";
  }

  #limits(): ClientConnectionOptions {
    const { keepaliveTimeMs = 0, keepaliveTimeoutMs } = this.#options;
    const { responseBytesMax = RESPONSE_BYTES_MAX, keepalivePermitWithoutStream } = this.#options;
    return {
      receiveMessageBytesMax: responseBytesMax,
      ...(keepalivePermitWithoutStream === undefined ? {} : { keepalivePermitWithoutStream }),
      ...(keepaliveTimeMs === 0
        ? {}
        : { keepaliveTimeMs: Math.max(keepaliveTimeMs, KEEPALIVE_TIME_MIN_MS) }),
      ...(keepaliveTimeoutMs === undefined ? {} : { keepaliveTimeoutMs }),
    };
  }
}
