/** Endpoints that cannot be reached, or are not what they seem, and what to do about each way to fail. */
import type { ClusterView } from "./cluster-view.ts";
import type { EndpointView } from "./endpoint-view.ts";
import type { Problem } from "./problem.ts";

const DAY_MS = 86_400_000;

/** From so many days before its end on a certificate is told. */
const EXPIRY_DAYS = 30;

/** What to do when a connection does not come about, by the code of the failure. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  [
    "ECONNREFUSED",
    "the host is there, and nothing listens on the port: see whether etcd runs (systemctl status etcd, journalctl -u etcd -n 50) and what --listen-client-urls says",
  ],
  [
    "ETIMEDOUT",
    "the host is down, or a firewall drops what is sent: ping it, and try the port by itself (nc -vz <host> <port>)",
  ],
  ["EHOSTUNREACH", "there is no way to the host: look at routes and at the host itself"],
  ["ENETUNREACH", "there is no way to the network of the host: look at the routes of this machine"],
  ["ENOTFOUND", "DNS does not know the name: see whether it is written right, or use an address"],
  ["EAI_AGAIN", "DNS does not answer: look at /etc/resolv.conf, or use an address"],
  ["ECONNRESET", "it hangs up at once: a proxy or a firewall may stand between, or the wrong port"],
  ["ENOENT", "there is no such socket file: see whether etcd runs, and its --listen-client-urls"],
  ["EACCES", "the socket file may not be opened by this user"],
]);

const DEFAULT_ADVICE = "see whether --endpoints is right and etcd runs there";

/** What to do about a TLS handshake that fails, by what its failure says. */
const TLS_ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /before secure TLS/,
    "it hung up in the middle of the TLS handshake: it may speak no TLS (write http:// in --endpoints), or does not take this client",
  ],
  [
    /wrong version number|packet length too long|http request/i,
    "what listens there does not speak TLS: write http:// in --endpoints, or look at the port",
  ],
  [
    /certificate required|handshake failure|bad certificate|alert number (40|42|116)/i,
    "it wants a certificate of the client: give --cert and --key",
  ],
  [
    /protocol version/i,
    "it speaks another version of TLS: look at --tls-min-version of the server",
  ],
];

/** What to do about a call that was refused or lost, by what its failure says. */
const CALL_ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /user name is empty|permission denied|invalid auth token|authentication failed|insufficient/i,
    "authentication is on: give --user root (the password is asked for), or the user that may",
  ],
  [
    /certificate|x509|tls/i,
    "TLS fails: look at --cacert (the authority of the server's certificate), --cert and --key",
  ],
];

export function connectionProblems(cluster: ClusterView): Problem[] {
  return cluster.endpoints.flatMap((view) => [
    ...unreached(cluster, view),
    ...unanswered(cluster, view),
    ...certificateProblems(cluster, view),
  ]);
}

function unreached(cluster: ClusterView, view: EndpointView): Problem[] {
  const { connectionFailure: failure } = view;
  if (failure === undefined) return [];
  const byText = TLS_ADVICE.find(([pattern]) => pattern.test(failure.text))?.[1];
  const todo = byText ?? ADVICE.get(failure.code) ?? DEFAULT_ADVICE;
  const text = `cannot be connected to: ${failure.text}`;
  return [{ severity: severityOf(cluster), about: cluster.nameOf(view), text, todo }];
}

/** A connection came about, and yet it did not tell its state. */
function unanswered(cluster: ClusterView, view: EndpointView): Problem[] {
  if (view.connectionFailure !== undefined || view.status !== undefined) return [];
  const reason = view.failures.get("status") ?? "no answer";
  const about = cluster.nameOf(view);
  const severity = severityOf(cluster);
  if (view.wantsTls === true) {
    const text = "speaks TLS, and was asked in the clear";
    const todo =
      "write https:// in --endpoints and give --cacert, and --cert and --key if it wants them";
    return [{ severity, about, text, todo }];
  }
  const advice = CALL_ADVICE.find(([pattern]) => pattern.test(reason))?.[1];
  const text = `takes connections, and does not tell its state: ${reason}`;
  const todo =
    advice ??
    "it hangs, is still starting, or is no etcd: read its log; a full or slow disk is the usual reason (df -h, iostat -x 1)";
  return [{ severity, about, text, todo }];
}

/** One that is missing is bad where it was the last one, and else a matter of the quorum, which is told apart. */
function severityOf({ answering }: ClusterView): Problem["severity"] {
  return answering.length === 0 ? "critical" : "warning";
}

function certificateProblems(cluster: ClusterView, view: EndpointView): Problem[] {
  const { certificate } = view;
  if (certificate === undefined) return [];
  const about = cluster.nameOf(view);
  const { subject, problem, validToMs, validFromMs } = certificate;
  const problems: Problem[] = [];
  const until = new Date(validToMs).toISOString();
  const leftMs = validToMs - cluster.atMs;
  const renew =
    "renew it, and put the new files in the place of the old ones: etcd reads them again without a restart";
  if (leftMs < 0) {
    const text = `its certificate (${subject}) has expired at ${until}`;
    problems.push({ severity: "critical", about, text, todo: renew });
  } else if (leftMs < EXPIRY_DAYS * DAY_MS) {
    const days = Math.floor(leftMs / DAY_MS);
    const text = `its certificate (${subject}) expires in ${days} days, at ${until}`;
    problems.push({ severity: days < 2 ? "critical" : "warning", about, text, todo: renew });
  }
  if (validFromMs > cluster.atMs) {
    const text = `its certificate (${subject}) is not valid before ${new Date(validFromMs).toISOString()}`;
    const todo = "look at the clocks of both machines, and at the certificate";
    problems.push({ severity: "critical", about, text, todo });
  }
  if (problem !== undefined && leftMs >= 0) {
    const text = `its certificate (${subject}) is not believed: ${problem}`;
    const todo =
      "give the authority that signed it as --cacert, and reach the server by a name that the certificate has";
    problems.push({ severity: "critical", about, text, todo });
  }
  return problems;
}
