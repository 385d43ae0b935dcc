/** Users, roles and permissions as text. */
import type { AuthStore } from "../src/auth/auth-store.ts";
import { hexFromBytes } from "../src/stdx/bytes.ts";

/** Everything that the store holds; equal texts are equal stores. */
export function dumpAuth(auth: AuthStore): string {
  const lines = [`authentication ${auth.enabled ? "on" : "off"} at ${auth.revision}`];
  for (const name of auth.userNames()) {
    const user = auth.user(name);
    const password = hexFromBytes(user?.password ?? new Uint8Array(0));
    lines.push(`user ${name} ${password} ${String(user?.hasNoPassword)}: ${user?.roles.join(" ")}`);
  }
  for (const name of auth.roleNames()) {
    const permissions = auth.role(name)?.permissions.map(({ permType, key, rangeEnd }) => {
      return `${permType} ${hexFromBytes(key)}-${hexFromBytes(rangeEnd)}`;
    });
    lines.push(`role ${name}: ${permissions?.join(", ")}`);
  }
  return lines.join("\n");
}
