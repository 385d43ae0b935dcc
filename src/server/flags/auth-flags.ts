/** Flags of users and tokens. */
import { flag } from "./flag.ts";
import { string, uint64 } from "./kinds.ts";

const GROUP = "Auth";

export const AUTH_FLAGS = {
  "auth-token": flag(
    GROUP,
    string,
    "simple",
    "simple",
    "Kind of tokens and its options ('simple' or 'jwt,sign-method=...,pub-key=...,priv-key=...,ttl=...').",
  ),
  "bcrypt-cost": flag(GROUP, uint64, 10, "10", "Cost of a hashed password, from 4 to 31."),
  "auth-token-ttl": flag(
    GROUP,
    uint64,
    300,
    "300",
    "Seconds after which a simple token that is not used ends.",
  ),
} as const;
