/**
 * What every request of the client port passes first: old paths, the check of the host that a browser may have
 * been talked into, and what pages of other origins may do.
 *
 * Source: etcd server/embed/serve.go (accessController).
 */
import type { HttpServerRequest } from "../../ports/http.ts";
import type { Log } from "../../ports/log.ts";
import { goQuote } from "../../stdx/go-quote.ts";
import { unescapePath } from "../../stdx/go-query.ts";
import { GoUrlError, splitHostPort } from "../../stdx/go-url.ts";
import { EMPTY_BYTES } from "../../stdx/bytes.ts";
import { answerFailure, answerMalformed } from "./answers.ts";
import type { HttpRouter } from "./router.ts";

export interface AccessRules {
  /** Origins whose pages may read answers; empty, or with "*": all. */
  readonly cors: readonly string[];
  /** Hosts that may be asked for without TLS; empty, or with "*": all. */
  readonly hostWhitelist: readonly string[];
  /** Whether the common names of certificates would be taken for users, which the gateway cannot pass on. */
  readonly refusesCommonNames: () => boolean;
}

const OLD_PREFIX = "/v3beta/";

/** Checks `request` and gives it to `router`. */
export function serveWithAccessControl(
  rules: AccessRules,
  router: HttpRouter,
  request: HttpServerRequest,
  log: Log,
): void {
  const given = unescapePath(request.path);
  if (given === undefined) {
    answerMalformed(request);
    return;
  }
  const path = given.startsWith(OLD_PREFIX) ? `/v3/${given.slice(OLD_PREFIX.length)}` : given;
  const host = hostnameOf(request.host);
  if (!request.secure && !isAllowed(rules.hostWhitelist, host)) {
    log.warn("rejecting HTTP request to prevent DNS rebinding attacks", { host });
    answerFailure(request, 421, unknownHost(host));
    return;
  }
  const { commonName = "" } = request.peer;
  if (commonName !== "" && path.startsWith("/v3/") && rules.refusesCommonNames()) {
    answerFailure(request, 400, COMMON_NAME_IGNORED);
    return;
  }
  allowOrigin(rules, request);
  if (request.method === "OPTIONS") request.respond(200, {}, EMPTY_BYTES);
  else router.serve(request, path);
}

const COMMON_NAME_IGNORED =
  "CommonName of client sending a request against gateway will be ignored and not used as expected";

function allowOrigin({ cors }: AccessRules, request: HttpServerRequest): void {
  const origin = request.header("origin");
  const isOpen = cors.length === 0 || cors.includes("*");
  if (!isOpen && !cors.includes(origin)) return;
  request.setHeader("Access-Control-Allow-Methods", "POST, GET, OPTIONS, PUT, DELETE");
  request.setHeader("Access-Control-Allow-Origin", isOpen ? "*" : origin);
  request.setHeader("Access-Control-Allow-Headers", "accept, content-type, authorization");
}

function isAllowed(allowed: readonly string[], asked: string): boolean {
  return allowed.length === 0 || allowed.includes("*") || allowed.includes(asked);
}

/** The host without its port. */
function hostnameOf(host: string): string {
  const parts = splitHostPort(host);
  return parts instanceof GoUrlError ? host : parts.host;
}

function unknownHost(host: string): string {
  return `
etcd received your request, but the Host header was unrecognized.

To fix this, choose one of the following options:
- Enable TLS, then any HTTPS request will be allowed.
- Add the hostname you want to use to the whitelist in settings.
  - e.g. etcd --host-whitelist ${goQuote(host)}

This requirement has been added to help prevent "DNS Rebinding" attacks (CVE-2018-5702).
`;
}
