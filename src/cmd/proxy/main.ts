/**
 * `etcd gateway` and `etcd grpc-proxy`: programs of their own behind the name of the server.
 *
 * Source: etcd server/etcdmain (main.go, gateway.go, grpc_proxy.go); spf13/cobra for pages and refusals.
 */
import process from "node:process";
import { Command } from "../command.ts";
import { FlagError, FlagSet } from "../pflag.ts";
import { plainUsagePage } from "../usage.ts";
import { grpcProxyFlags } from "./grpc-proxy-flags.ts";
import { ProxyExit } from "./proxy-exit.ts";

/** Runs the proxy that `words` name; it goes on when this returns, unless the exit code is set. */
export async function runProxy(words: readonly string[]): Promise<void> {
  const root = proxyCommands();
  const found = root.find(words);
  if (found instanceof FlagError) {
    refuse(`Error: ${found.message}\nRun 'etcd --help' for usage.\n`, found.message);
    return;
  }
  const call = found.command.parse(found.rest);
  if (call instanceof FlagError) {
    const page = plainUsagePage(found.command);
    if (call.isHelp) process.stdout.write(`${found.command.spec.short}\n\n${page}`);
    else refuse(`Error: ${call.message}\n${page}\n`, call.message);
    return;
  }
  try {
    await call.command.spec.run?.(undefined, call);
  } catch (error) {
    if (!(error instanceof ProxyExit)) throw error;
    process[error.stream].write(error.message);
    process.exit(1);
  }
}

/** The command library tells the error, and the program once more. */
function refuse(told: string, message: string): void {
  process.stderr.write(`${told}${message}`);
  process.exitCode = 1;
}

function proxyCommands(): Command<undefined> {
  return new Command<undefined>({
    use: "etcd",
    short: "etcd server",
    commands: [
      {
        use: "gateway <subcommand>",
        short: "gateway related command",
        commands: [
          {
            use: "start",
            short: "start the gateway",
            flags: gatewayFlags(),
            run: async (_, { flags }) => (await import("./run-gateway.ts")).runGateway(flags),
          },
        ],
      },
      {
        use: "grpc-proxy <subcommand>",
        short: "grpc-proxy related command",
        commands: [
          {
            use: "start",
            short: "start the grpc proxy",
            flags: grpcProxyFlags(),
            run: async (_, { flags }) => (await import("./run-grpc-proxy.ts")).runGrpcProxy(flags),
          },
        ],
      },
    ],
  });
}

const NANOSECONDS_PER_MINUTE = 60_000_000_000n;

function gatewayFlags(): FlagSet {
  return new FlagSet()
    .string("listen-addr", "127.0.0.1:23790", "listen address")
    .string("discovery-srv", "", "DNS domain used to bootstrap initial cluster")
    .string("discovery-srv-name", "", "service name to query when using DNS discovery")
    .bool("insecure-discovery", false, "accept insecure SRV records")
    .string(
      "trusted-ca-file",
      "",
      "path to the client server TLS CA file for verifying the discovered endpoints when discovery-srv is provided.",
    )
    .stringSlice("endpoints", ["127.0.0.1:2379"], "comma separated etcd cluster endpoints")
    .duration(
      "retry-delay",
      NANOSECONDS_PER_MINUTE,
      "duration of delay before retrying failed endpoints",
    );
}
