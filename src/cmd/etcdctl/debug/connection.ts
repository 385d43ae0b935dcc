/** The way to an endpoint by itself: whether something listens, and what certificate it shows. */
import type { PeerCertificate } from "node:tls";
import { parseEndpoint } from "../../../client/endpoint.ts";
import { describeSocketError } from "../../../platform/socket-failure.ts";
import type { StreamAddress } from "../../../ports/network.ts";
import { GoUrlError, splitHostPort } from "../../../stdx/go-url.ts";
import { readTls, type TlsFlags } from "../../tls-config.ts";
import type { CertificateView, ConnectionFailure, EndpointView } from "./endpoint-view.ts";

type Target = { readonly path: string } | { readonly host: string; readonly port: number };

/** Connects, looks, and hangs up. What is seen is put into `view`; reports whether there was a connection. */
export async function lookAtConnection(
  view: EndpointView,
  endpoint: string,
  flags: TlsFlags,
  timeoutMs: number,
): Promise<boolean> {
  const target = targetOf(endpoint);
  if (target === undefined) {
    view.connectionFailure = { code: "", text: "this is no address: host:port is wanted" };
    return false;
  }
  const startMs = performance.now();
  const failure = await connectPlain(target, timeoutMs);
  view.connectMs = performance.now() - startMs;
  if (failure !== undefined) {
    view.connectionFailure = failure;
    return false;
  }
  if (!view.isSecure) return true;
  const seen = await certificateOf(target, flags, timeoutMs);
  if ("text" in seen) view.connectionFailure = seen;
  else view.certificate = seen;
  return view.connectionFailure === undefined;
}

/** Whether a server that was asked in the clear, and did not answer, would speak TLS. */
export async function speaksTls(
  endpoint: string,
  flags: TlsFlags,
  timeoutMs: number,
): Promise<boolean> {
  const target = targetOf(endpoint);
  if (target === undefined) return false;
  return !("text" in (await certificateOf(target, flags, timeoutMs)));
}

function targetOf(endpoint: string): Target | undefined {
  const { address } = parseEndpoint(endpoint);
  if (address.startsWith("unix:")) return { path: address.slice("unix:".length) };
  const parts = splitHostPort(address);
  if (parts instanceof GoUrlError || !/^\d+$/.test(parts.port)) return undefined;
  return { host: parts.host === "" ? "127.0.0.1" : parts.host, port: Number(parts.port) };
}

function connectPlain(target: Target, timeoutMs: number): Promise<ConnectionFailure | undefined> {
  const net = process.getBuiltinModule("node:net");
  return new Promise((resolve) => {
    const socket = net.connect(target);
    const end = (failure: ConnectionFailure | undefined): void => {
      socket.destroy();
      resolve(failure);
    };
    socket.setTimeout(timeoutMs, () => end({ code: "ETIMEDOUT", text: "no answer in time" }));
    socket.once("connect", () => end(undefined));
    socket.once("error", (error) => end({ ...failureOf(error), text: described(error, target) }));
  });
}

/** The certificate that is shown there, believed or not; or why there is none. */
function certificateOf(
  target: Target,
  flags: TlsFlags,
  timeoutMs: number,
): Promise<CertificateView | ConnectionFailure> {
  const tls = process.getBuiltinModule("node:tls");
  const settings = readTls(flags);
  const serverName = settings?.serverName ?? "";
  const host = "host" in target ? target.host : "localhost";
  return new Promise((resolve) => {
    const socket = tls.connect({
      ...target,
      ...(settings?.ca === undefined ? {} : { ca: settings.ca }),
      ...(settings?.cert === undefined ? {} : { cert: settings.cert }),
      ...(settings?.key === undefined ? {} : { key: settings.key }),
      servername: serverName === "" ? (isAddress(host) ? "" : host) : serverName,
      ALPNProtocols: ["h2"],
      rejectUnauthorized: false,
    });
    const end = (seen: CertificateView | ConnectionFailure): void => {
      socket.destroy();
      resolve(seen);
    };
    socket.setTimeout(timeoutMs, () => end({ code: "ETIMEDOUT", text: "no TLS answer in time" }));
    socket.once("error", (error: Error) => end(failureOf(error)));
    socket.once("secureConnect", () => {
      const shown = socket.getPeerCertificate();
      const mismatch = tls.checkServerIdentity(serverName === "" ? host : serverName, shown);
      const distrust = socket.authorized ? mismatch?.message : String(socket.authorizationError);
      end(certificateView(shown, settings?.insecureSkipVerify === true ? undefined : distrust));
    });
  });
}

/** A failure in the words of Go, which operators know from etcd's logs. */
function described(error: Error, target: Target): string {
  const address: StreamAddress =
    "path" in target ? { kind: "unix", ...target } : { kind: "tcp", ...target };
  return describeSocketError(error, address).message;
}

function isAddress(host: string): boolean {
  return process.getBuiltinModule("node:net").isIP(host) !== 0;
}

function certificateView(shown: PeerCertificate, problem: string | undefined): CertificateView {
  const { subject, valid_from: from, valid_to: to } = shown;
  const name = [subject.CN].flat()[0] ?? "without a name";
  const times = { validFromMs: Date.parse(from), validToMs: Date.parse(to) };
  return { subject: name, ...times, ...(problem === undefined ? {} : { problem }) };
}

function failureOf(
  error: NodeJS.ErrnoException & { errors?: readonly Error[] },
): ConnectionFailure {
  // A name with several addresses fails as often; the first says enough.
  const first: NodeJS.ErrnoException = error.errors?.[0] ?? error;
  return { code: first.code ?? error.code ?? "", text: first.message };
}
