/**
 * From flags to numbers within bounds, and the open connections of a load.
 *
 * Source: etcd tools/benchmark/cmd/root.go, util.go (3.5).
 */
import type { Connector } from "../../client/connector.ts";
import { ClusterService, MaintenanceService } from "../../wire/gen/services.ts";
import { byteString, textOf } from "../byte-text.ts";
import { credentialsFrom } from "../credentials.ts";
import { readTls } from "../tls-config.ts";
import type { FlagSet } from "../pflag.ts";
import { ProgressBar } from "../progress-bar.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { plainUsagePage } from "../usage.ts";
import { LatencyReport, type LoadFigures } from "./latency-report.ts";
import { CALLERS_MAX, CALLS_MAX, CONNECTIONS_MAX, RATE_MAX } from "./limits.ts";
import { Endpoints, LoadConnection, type LoadTarget } from "./load-connection.ts";
import { writePerfdash } from "./perfdash.ts";
import { reportJson } from "./report-json.ts";
import { reportText } from "./report-text.ts";
import type { BenchmarkCall, BenchmarkSession } from "./session.ts";

const NANOSECONDS_PER_MS = 1e6;

/** Ends the tool with `message`, which stands alone. */
export function refuse(message: string): never {
  throw new ToolExit(ExitCode.ERROR, message, "");
}

/** Ends the tool with how the command is used. */
export function refuseUsage({ command }: BenchmarkCall): never {
  throw new ToolExit(ExitCode.ERROR, plainUsagePage(command), "");
}

/** The value of an integer flag, which must lie within the bounds. */
export function numberOf(flags: FlagSet, name: string, least: number, most: number): number {
  const value = flags.getInteger(name);
  if (value >= BigInt(least) && value <= BigInt(most)) return Number(value);
  if (least === 1 && value < 1n) return refuse(`expected positive --${name}, got (${value})`);
  return refuse(`expected --${name} between ${least} and ${most}, got (${value})`);
}

/** Milliseconds of a flag that is a duration. */
export function millisecondsOf(flags: FlagSet, name: string): number {
  return Number(flags.getInteger(name)) / NANOSECONDS_PER_MS;
}

export function totalOf(flags: FlagSet, name = "total"): number {
  return numberOf(flags, name, 0, CALLS_MAX);
}

export function rateOf(flags: FlagSet, name = "rate"): number {
  return numberOf(flags, name, 0, RATE_MAX);
}

/** `--consistency`: whether members may answer by themselves. Says which it is, where people read. */
export function isSerializable(session: BenchmarkSession, call: BenchmarkCall): boolean {
  const consistency = call.flags.getString("consistency");
  if (consistency !== "l" && consistency !== "s") return refuseUsage(call);
  const isLocal = consistency === "s";
  if (!isJson(call)) {
    session.io.out(`bench with ${isLocal ? "serializable" : "linearizable"} range\n`);
  }
  return isLocal;
}

/** Whether the report is for programs. */
export function isJson({ flags }: BenchmarkCall): boolean {
  return flags.getString("write-out") === "json";
}

/** Looks at the flags of all commands before anything is done. */
export function checkGlobalFlags({ flags }: BenchmarkCall): void {
  const form = flags.getString("write-out");
  if (form !== "simple" && form !== "json") {
    refuse(`expected --write-out simple or json, got (${form})`);
  }
  numberOf(flags, "conns", 1, CONNECTIONS_MAX);
  numberOf(flags, "clients", 1, CALLERS_MAX);
  if (flags.getStrings("endpoints").length === 0) refuse("expected --endpoints, got none");
}

/** What came of a load, in the form that the flags ask for. `end` follows the text. */
export function showReport(
  session: BenchmarkSession,
  call: BenchmarkCall,
  name: string,
  figures: LoadFigures,
  end = "",
): void {
  const text = isJson(call)
    ? reportJson(name, figures)
    : reportText(figures, call.flags.getBool("precise")) + end;
  if (call.flags.getBool("report-perfdash")) {
    const line = writePerfdash(session, name, figures);
    if (isJson(call)) session.io.error(line);
    else session.io.out(line);
  }
  session.io.out(text);
}

export function openReport({ clock }: BenchmarkSession, { flags }: BenchmarkCall): LatencyReport {
  return new LatencyReport(flags.getBool("sample") ? clock.wallMs() - clock.nowMs() : undefined);
}

/** A bar of calls; `undefined` where nobody sees it. */
export function openBar({ io, clock }: BenchmarkSession): ProgressBar | undefined {
  if (!io.isTerminal) return undefined;
  return new ProgressBar(io, clock, (done, total, seconds) => {
    return `${done} of ${total}, ${Math.round(done / seconds)}/s`;
  });
}

/** Opens connections, whose endpoints have their turn, and closes them when the tool ends. */
export class ConnectionOpener {
  readonly #session: BenchmarkSession;
  /** Where connections go. */
  readonly target: LoadTarget;

  private constructor(session: BenchmarkSession, target: LoadTarget) {
    this.#session = session;
    this.target = target;
  }

  /** Reads the flags, asks for a missing password, and finds the leader where calls are to go there. */
  static async create(
    session: BenchmarkSession,
    { flags }: BenchmarkCall,
  ): Promise<ConnectionOpener> {
    const tls = readTlsFlags(flags);
    const credentials = credentialsFrom(session.io, flags.getString("user"), "", "Password: ");
    const connector: Connector = await session.openConnector(tls);
    const endpoints = flags.getStrings("endpoints").map((endpoint) => textOf(endpoint.trim()));
    const target: LoadTarget = {
      endpoints: new Endpoints(endpoints),
      connector,
      clock: session.clock,
      secure: tls !== undefined,
      dialTimeoutMs: millisecondsOf(flags, "dial-timeout"),
      credentials:
        credentials === undefined
          ? undefined
          : { username: textOf(credentials.username), password: textOf(credentials.password) },
    };
    const opener = new ConnectionOpener(session, target);
    if (flags.getBool("target-leader")) {
      target.endpoints.replace(await leaderEndpoints(await opener.open()));
    }
    const syncMs = millisecondsOf(flags, "auto-sync-interval");
    if (syncMs > 0) keepInSync(session, target.endpoints, await opener.open(), syncMs);
    return opener;
  }

  async open(): Promise<LoadConnection> {
    try {
      const connection = await LoadConnection.open(this.target);
      this.#session.cleanups.push(() => connection.close());
      return connection;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return refuse(`dial error: ${byteString(error.message)}`);
    }
  }

  /** One connection for each of `--clients`; `--conns` different ones. */
  async openForCallers({ flags }: BenchmarkCall): Promise<LoadConnection[]> {
    const opening: Promise<LoadConnection>[] = [];
    const conns = Number(flags.getInteger("conns"));
    for (let i = 0; i < conns; i++) opening.push(this.open());
    const connections = await Promise.all(opening);
    const callers = Number(flags.getInteger("clients"));
    return Array.from({ length: callers }, (_, i) => connections[i % connections.length]);
  }
}

/** Looks every `everyMs` milliseconds which endpoints the members have for clients. */
function keepInSync(
  { clock, cleanups }: BenchmarkSession,
  endpoints: Endpoints,
  connection: LoadConnection,
  everyMs: number,
): void {
  let isOver = false;
  cleanups.push(() => {
    isOver = true;
  });
  const look = async (): Promise<void> => {
    const { members } = await connection.ask(ClusterService.memberList, { linearizable: true });
    // Members that have not started have no name, and nothing for clients that counts.
    const started = members.filter(({ name, isLearner }) => name !== "" && !isLearner);
    endpoints.replace(started.flatMap(({ clientUrls }) => clientUrls));
  };
  const next = (): void => {
    if (isOver) return;
    clock.after(everyMs, () => {
      // Without an answer everything stays as it was.
      void look()
        .catch(() => undefined)
        .finally(next);
    });
  };
  next();
}

function readTlsFlags(flags: FlagSet): ReturnType<typeof readTls> {
  try {
    return readTls({
      cert: flags.getString("cert"),
      key: flags.getString("key"),
      cacert: flags.getString("cacert"),
      serverName: "",
      insecureTransport: true,
      insecureSkipVerify: flags.getBool("insecure-skip-tls-verify"),
    });
  } catch (error) {
    if (!(error instanceof ToolExit)) throw error;
    return refuse(`bad tls config: ${error.shown ?? ""}`);
  }
}

/** The endpoints that the leader, as `connection` knows it, has for clients. */
async function leaderEndpoints(connection: LoadConnection): Promise<readonly string[]> {
  try {
    const { members } = await connection.ask(ClusterService.memberList, { linearizable: true });
    const { leader } = await connection.ask(MaintenanceService.status, {});
    const found = members.find(({ id }) => id === leader)?.clientUrls ?? [];
    if (found.length > 0) return found;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    refuse(`failed to get a member list: ${byteString(error.message)}`);
  } finally {
    connection.close();
  }
  return refuse("failed to find a leader endpoint");
}
