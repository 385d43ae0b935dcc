/** What tells who makes calls, put together from configuration and environment. */
import { Authentication } from "../api/authentication.ts";
import { PasswordChecks } from "../auth/password-checks.ts";
import type { Environment, OpenedMember } from "./start/bootstrap.ts";
import type { ServerConfig } from "./config/config.ts";
import type { AuthSettings } from "./config/config-groups.ts";

/** Costs that bcrypt has, and etcd's choice among them. */
const COST_MIN = 4;
const COST_MAX = 31;
const COST_DEFAULT = 10;

export function createAuthentication(
  config: ServerConfig,
  { sha256, log }: Environment,
  { member, tokens }: OpenedMember,
): Authentication {
  if (config.auth.token.split(",")[0] === "simple") {
    log.named("auth/store.ts").warn("simple token is not cryptographically signed");
  }
  return new Authentication({
    tokens,
    auth: () => member.applier.auth,
    appliedIndex: () => member.status().appliedIndex,
    clientCertAuth: config.clientTls.clientCertAuth,
    sha256,
    log: log.named("auth/store.ts"),
  });
}

export function createPasswordChecks(
  { bcryptCost }: AuthSettings,
  { passwords: workers, secretDigest: digest, clock, log }: Environment,
): PasswordChecks {
  const isCost = bcryptCost >= COST_MIN && bcryptCost <= COST_MAX;
  if (!isCost) {
    log.named("auth/store.ts").warn("use default bcrypt cost instead of the invalid given cost", {
      "min-cost": COST_MIN,
      "max-cost": COST_MAX,
      "default-cost": COST_DEFAULT,
      "given-cost": bcryptCost,
    });
  }
  return new PasswordChecks({ workers, digest, clock, cost: isCost ? bcryptCost : COST_DEFAULT });
}
