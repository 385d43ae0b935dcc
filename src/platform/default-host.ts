/** The IPv4 address of this machine on the interface of its default route. Linux only; elsewhere unknown. */
import * as fs from "node:fs";
import * as os from "node:os";

/** `undefined` when there is no default route, or the system does not tell. */
export function defaultHost(): string | undefined {
  let routes: string;
  try {
    routes = fs.readFileSync("/proc/net/route", "utf8");
  } catch {
    // Not Linux: nothing is known, and nothing will be advertised in place of the default.
    return undefined;
  }
  const name = defaultInterface(routes);
  const addresses = name === undefined ? undefined : os.networkInterfaces()[name];
  return addresses?.find(({ family }) => family === "IPv4")?.address;
}

/** The interface of the route to 0.0.0.0/0 in the text of /proc/net/route: Iface Destination … Mask …. */
export function defaultInterface(routes: string): string | undefined {
  for (const line of routes.split("\n").slice(1)) {
    const [name, destination, , , , , , mask] = line.split("\t");
    if (destination === "00000000" && mask === "00000000") return name;
  }
  return undefined;
}
