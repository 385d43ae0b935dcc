/** Failures of sockets in the words of Go's net package, which operators know from etcd's logs. */
import type { Socket } from "node:net";
import { joinHostPort, SOCKET_REASONS } from "./tcp.ts";
import { describeTlsFailure } from "./tls/failure.ts";
import { VerificationError } from "./tls/verification-error.ts";

/** What node:net adds to an error of a socket, and to each of several when a name has many addresses. */
interface SocketError extends NodeJS.ErrnoException {
  readonly address?: string;
  readonly port?: number;
  readonly errors?: readonly SocketError[];
}

/** `error` of a connection to `host`:`port`, as Go words it. */
export function describeSocketError(error: Error, host: string, port: number): Error {
  const failure: SocketError = error;
  // A name with several addresses fails as often; Go tells of the first.
  const first = failure.errors?.[0] ?? failure;
  const code = first.code ?? "";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    const problem = code === "ENOTFOUND" ? "no such host" : "server misbehaving";
    return new Error(`dial tcp: lookup ${host}: ${problem}`);
  }
  if (first.syscall === "connect") {
    const where = joinHostPort(first.address ?? host, first.port ?? port);
    return new Error(`dial tcp ${where}: connect: ${SOCKET_REASONS[code] ?? first.message}`);
  }
  if (error instanceof VerificationError) return error;
  if (code === "ECONNRESET" && first.syscall === undefined) return new Error("EOF");
  const isTls = code === "EPROTO" || (first.syscall === undefined && code !== "");
  if (isTls) return new Error(describeTlsFailure(first));
  const operation = first.syscall === "write" ? "write" : "read";
  const reason = SOCKET_REASONS[code] ?? first.message;
  return new Error(`${operation} tcp ${joinHostPort(host, port)}: ${reason}`);
}

/** A connection to `host`:`port` that did not come about in time, as Go words it. */
export function dialTimedOut(host: string, port: number): Error {
  return new Error(`dial tcp ${joinHostPort(host, port)}: i/o timeout`);
}

/** A connection on which nothing moved for too long, as Go words it. */
export function timedOut(operation: "read" | "write", socket: Socket): Error {
  const ends = [
    joinHostPort(socket.localAddress ?? "", socket.localPort ?? 0),
    joinHostPort(socket.remoteAddress ?? "", socket.remotePort ?? 0),
  ];
  return new Error(`${operation} tcp ${ends.join("->")}: i/o timeout`);
}
