/**
 * From flags and environment to an open client and a printer, in the order in which etcdctl looks at them,
 * because the first problem is the one that users see.
 *
 * Source: etcd etcdctl/ctlv3/command/global.go.
 */
import { type Client, NoEndpointsError, openClient } from "../../client/client.ts";
import { byteString, textOf } from "../byte-text.ts";
import { type Credentials, credentialsFrom } from "../credentials.ts";
import { type FlagSet, flagText } from "../pflag.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import type { ToolIo } from "../tool-io.ts";
import { zapLog } from "../zap-line.ts";
import { shownValue } from "../../stdx/secret-words.ts";
import { setFlagsFromEnvironment, variableOf } from "./environment.ts";
import { openPrinter, type Printer } from "./printer.ts";
import { safeNumber } from "./requests.ts";
import { type EtcdctlCall, failWith, milliseconds, type Session } from "./session.ts";
import { readTls, type TlsFlags } from "../tls-config.ts";

/** What is sent instead of a name and a password. */
interface Token {
  readonly token: string;
}

/** What a client is opened with, besides its endpoints. Texts are byte strings. */
export interface ClientConfig {
  readonly dialTimeoutMs: number;
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly tls: TlsFlags;
  readonly credentials: Credentials | Token | undefined;
  /** Bytes of a request and of an answer; the client's own bounds when absent. */
  readonly requestBytesMax?: number;
  readonly responseBytesMax?: number;
  /** Whether what becomes of connections is told on the error stream. */
  readonly isDebug: boolean;
}

/** An open client and the printer of its answers. */
export interface Connected {
  readonly client: Client;
  readonly printer: Printer;
  readonly config: ClientConfig;
}

/** Opens a client to the endpoints of the flags. `variables` are those that the command itself reads. */
export async function connect(
  session: Session,
  call: EtcdctlCall,
  variables: readonly string[] = [],
): Promise<Connected> {
  const { flags } = call;
  setFlagsFromEnvironment(call.command.inheritedFlags, session.io, session.clock, variables);
  if (flags.getBool("debug")) showEnvironment(call.command.inheritedFlags, session.io);
  const endpoints = await endpointsOf(session, flags);
  const config = clientConfig(session, flags);
  const printer = await printerOf(session, flags);
  const client = await openWith(session, endpoints, config);
  return { client, printer, config };
}

/** The printer that `--write-out` and `--hex` choose. */
export function printerOf(session: Session, flags: FlagSet): Promise<Printer> {
  return openPrinter(flags.getString("write-out"), flags.getBool("hex"), session.io);
}

/** Reads everything but the endpoints; asks for a missing password. */
export function clientConfig(session: Session, flags: FlagSet): ClientConfig {
  const tls: TlsFlags = {
    cert: fileOf(flags, "cert"),
    key: fileOf(flags, "key"),
    cacert: fileOf(flags, "cacert"),
    serverName: flags.getBool("insecure-discovery") ? "" : flags.getString("discovery-srv"),
    insecureTransport: flags.getBool("insecure-transport"),
    insecureSkipVerify: flags.getBool("insecure-skip-tls-verify"),
  };
  return {
    dialTimeoutMs: milliseconds(flags.getInteger("dial-timeout")),
    keepaliveTimeMs: milliseconds(flags.getInteger("keepalive-time")),
    keepaliveTimeoutMs: milliseconds(flags.getInteger("keepalive-timeout")),
    tls,
    credentials: callerOf(session.io, flags),
    isDebug: flags.getBool("debug"),
    ...messageBounds(flags),
  };
}

/** Who calls: by a token, or by name and password. */
function callerOf(io: ToolIo, flags: FlagSet): Credentials | Token | undefined {
  const [token, user, password] = ["auth-jwt-token", "user", "password"].map((name) =>
    flags.getString(name),
  );
  if (token === "") return credentialsFrom(io, user, password, "Password: ");
  if (user === "" && password === "") return { token };
  const message = "Username/Password and Token configurations are mutually exclusive";
  throw new ToolExit(ExitCode.BAD_ARGUMENTS, message);
}

/** Bounds of 0 or below are none. Source: etcd client/v3/client.go (newClient). */
function messageBounds(flags: FlagSet): Pick<ClientConfig, "requestBytesMax" | "responseBytesMax"> {
  const [sent, received] = ["max-request-bytes", "max-recv-bytes"].map((name) =>
    safeNumber(flags.getInteger(name)),
  );
  if (received > 0 && sent > received) {
    const message = `gRPC message recv limit (${received} bytes) must be greater than send limit (${sent} bytes)`;
    throw new ToolExit(ExitCode.BAD_CONNECTION, message);
  }
  return {
    ...(sent > 0 ? { requestBytesMax: sent } : {}),
    ...(received > 0 ? { responseBytesMax: received } : {}),
  };
}

function fileOf(flags: FlagSet, name: "cert" | "key" | "cacert"): string {
  const file = flags.getString(name);
  if (file !== "" || !flags.isChanged(name)) return file;
  throw new ToolExit(ExitCode.BAD_ARGUMENTS, `empty string is passed to --${name} option`);
}

/** Opens a client with `config`; it is closed when the tool ends. */
export async function openWith(
  session: Session,
  endpoints: readonly string[],
  config: ClientConfig,
  logger = "etcd-client",
): Promise<Client> {
  const { clock, random, io } = session;
  const tls = readTls(config.tls);
  const sockets = await session.openConnector(tls);
  const connector = config.isDebug
    ? (await import("./connection-log.ts")).toldConnector(sockets, io, clock)
    : sockets;
  const debugLevel = io.environment.find(({ name }) => name === "ETCD_CLIENT_DEBUG")?.value;
  const { dialTimeoutMs, keepaliveTimeMs, keepaliveTimeoutMs } = config;
  const { requestBytesMax, responseBytesMax } = config;
  try {
    const client = await openClient({
      endpoints: endpoints.map(textOf),
      connector,
      clock,
      random,
      log: zapLog({
        logger,
        caller: "client/channel.ts",
        level: debugLevel === "error" ? "error" : "warn",
        clock,
        write: (line) => io.error(line),
      }),
      secure: tls !== undefined,
      keepaliveTimeMs,
      keepaliveTimeoutMs,
      ...(dialTimeoutMs > 0 ? { dialTimeoutMs } : {}),
      ...(requestBytesMax === undefined ? {} : { requestBytesMax }),
      ...(responseBytesMax === undefined ? {} : { responseBytesMax }),
      ...callerOptions(config),
    });
    session.cleanups.push(() => client.close());
    return client;
  } catch (error) {
    if (error instanceof NoEndpointsError) {
      throw new ToolExit(ExitCode.BAD_CONNECTION, error.message);
    }
    return failWith(error, ExitCode.BAD_CONNECTION);
  }
}

function callerOptions({ credentials }: ClientConfig): {
  username?: string;
  password?: string;
  token?: string;
} {
  if (credentials === undefined) return {};
  if ("token" in credentials) return { token: textOf(credentials.token) };
  return { username: textOf(credentials.username), password: textOf(credentials.password) };
}

/** The endpoints: found through DNS where a domain is given, else those of the flag. */
export async function endpointsOf(session: Session, flags: FlagSet): Promise<readonly string[]> {
  const domain = flags.getString("discovery-srv");
  const given = flags.getStrings("endpoints").map((endpoint) => endpoint.trim());
  if (domain === "") return given;
  const { discoverEndpoints } = await import("./discovery.ts");
  const found = await discoverEndpoints(
    textOf(domain),
    textOf(flags.getString("discovery-srv-name")),
  );
  const accepted = found.map(byteString).filter((endpoint) => {
    if (flags.getBool("insecure-discovery") || !endpoint.startsWith("http://")) return true;
    session.io.error(`ignoring discovered insecure endpoint "${endpoint}"\n`);
    return false;
  });
  return accepted.length === 0 ? given : accepted;
}

/** `--debug`: the global flags as variables. */
function showEnvironment(flags: FlagSet, io: ToolIo): void {
  for (const { name, kind, value, isHidden, changed } of flags.all()) {
    if (isHidden && !changed) continue;
    const variable = variableOf(name);
    io.error(`${variable}=${shownValue(variable, flagText(kind, value))}\n`);
  }
}
