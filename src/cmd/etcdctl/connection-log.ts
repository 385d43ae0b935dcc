/**
 * `--debug`: what becomes of connections, one line each, in the form in which etcd's client library has it from gRPC.
 *
 * Differs from etcd: of the lines that gRPC logs at its most talkative, those about connections are there.
 *
 * Source: grpc-go grpclog (format), clientconn.go (messages).
 */
import type { Connector } from "../../client/connector.ts";
import type { Clock } from "../../ports/clock.ts";
import { localZoneOffset } from "../../platform/log-line.ts";
import { byteString } from "../byte-text.ts";
import type { PrinterOutput } from "./printer.ts";

let channels = 0;
let connections = 0;

/** `connector`, which tells of each connection before and after. */
export function toldConnector(connector: Connector, io: PrinterOutput, clock: Clock): Connector {
  const channel = `[Channel #${++channels}`;
  const say = (severity: "INFO" | "WARNING", who: string, message: string): void => {
    const line = `${timeText(clock.wallMs())} ${severity}: [core] ${who}]${message}\n`;
    io.error(byteString(line));
  };
  say("INFO", channel, "Channel created");
  return {
    async connect(target) {
      const { address, secure, serverName } = target;
      const who = `${channel} SubChannel #${++connections}`;
      const state = (name: string): void => {
        say("INFO", who, `Subchannel Connectivity change to ${name}`);
      };
      state("CONNECTING");
      const how = secure ? "by TLS" : "in the clear";
      say("INFO", who, `Subchannel picks a new address "${address}" to connect, ${how}`);
      try {
        const stream = await connector.connect(target);
        state("READY");
        return stream;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const where = `{Addr: "${address}", ServerName: "${serverName}", }`;
        const what = `grpc: addrConn.createTransport failed to connect to ${where}`;
        say("WARNING", who, `${what}. Err: connection error: desc = ${JSON.stringify(reason)}`);
        state("TRANSIENT_FAILURE");
        throw error;
      }
    },
  };
}

/** Local time, as Go's log package writes it. */
function timeText(wallMs: number): string {
  const local = new Date(wallMs + localZoneOffset(wallMs) * 60_000).toISOString();
  return `${local.slice(0, 10).replaceAll("-", "/")} ${local.slice(11, 19)}`;
}
