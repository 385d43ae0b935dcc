/** What one run of the load generator carries from its start to its end. */
import type { Connector } from "../../client/connector.ts";
import type { DialTls } from "../../platform/socket-dial.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { Call, Command } from "../command.ts";
import type { ToolIo } from "../tool-io.ts";
import type { Interruption } from "./interruption.ts";

/** What the tool has of its process. */
export interface BenchmarkOutlets {
  readonly io: ToolIo;
  readonly clock: Clock;
  readonly random: Random;
  /** Makes the way to the servers; with TLS material, if the tool was given any. */
  readonly openConnector: (tls: DialTls | undefined) => Promise<Connector>;
  /** What is to be closed when the command is over. */
  readonly cleanups: (() => void)[];
}

export interface BenchmarkSession extends BenchmarkOutlets {
  /** What ends a load before its time. */
  readonly interruption: Interruption;
}

export type BenchmarkCommand = Command<BenchmarkSession>;
export type BenchmarkCall = Call<BenchmarkSession>;
