/** Failures of sockets in the words of Go's net package, which operators know from etcd's logs. */
import type { Socket } from "node:net";
import type { StreamAddress } from "../ports/network.ts";
import { joinHostPort, SOCKET_REASONS } from "./tcp.ts";
import { describeTlsFailure } from "./tls/failure.ts";
import { VerificationError } from "./tls/verification-error.ts";

/** What node:net adds to an error of a socket, and to each of several when a name has many addresses. */
interface SocketError extends NodeJS.ErrnoException {
  readonly address?: string;
  readonly port?: number;
  readonly errors?: readonly SocketError[];
}

/** `error` of a connection to `address`, as Go words it. */
export function describeSocketError(error: Error, address: StreamAddress): Error {
  const failure: SocketError = error;
  // A name with several addresses fails as often; Go tells of the first.
  const first = failure.errors?.[0] ?? failure;
  const code = first.code ?? "";
  if (address.kind === "tcp" && (code === "ENOTFOUND" || code === "EAI_AGAIN")) {
    const problem = code === "ENOTFOUND" ? "no such host" : "server misbehaving";
    return new Error(`dial tcp: lookup ${address.host}: ${problem}`);
  }
  if (first.syscall === "connect") {
    const where =
      address.kind === "unix"
        ? placeOf(address)
        : `tcp ${joinHostPort(first.address ?? address.host, first.port ?? address.port)}`;
    return new Error(`dial ${where}: connect: ${SOCKET_REASONS[code] ?? first.message}`);
  }
  if (error instanceof VerificationError) return error;
  if (code === "ECONNRESET" && first.syscall === undefined) return new Error("EOF");
  const isTls = code === "EPROTO" || (first.syscall === undefined && code !== "");
  if (isTls) return new Error(describeTlsFailure(first));
  const operation = first.syscall === "write" ? "write" : "read";
  return new Error(`${operation} ${placeOf(address)}: ${SOCKET_REASONS[code] ?? first.message}`);
}

/** A connection to `address` that did not come about in time, as Go words it. */
export function dialTimedOut(address: StreamAddress): Error {
  return new Error(`dial ${placeOf(address)}: i/o timeout`);
}

function placeOf(address: StreamAddress): string {
  if (address.kind === "unix") return `unix ${address.path}`;
  return `tcp ${joinHostPort(address.host, address.port)}`;
}

/** A connection on which nothing moved for too long, as Go words it. */
export function timedOut(operation: "read" | "write", socket: Socket): Error {
  const ends = [
    joinHostPort(socket.localAddress ?? "", socket.localPort ?? 0),
    joinHostPort(socket.remoteAddress ?? "", socket.remotePort ?? 0),
  ];
  return new Error(`${operation} tcp ${ends.join("->")}: i/o timeout`);
}
