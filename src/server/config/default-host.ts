/**
 * What a member advertises when it listens on every interface and was not told an address: the address of
 * this machine on its default route. And the members of a cluster of one, when only the name was given.
 *
 * Source: etcd server/embed/config.go (UpdateDefaultClusterFromName) (3.5).
 */
import { GoUrlError, splitHostPort } from "../../stdx/go-url.ts";
import {
  DEFAULT_CLIENT_URL,
  DEFAULT_INITIAL_CLUSTER,
  DEFAULT_NAME,
  DEFAULT_PEER_URL,
} from "../flags/defaults.ts";
import type { FlagValues } from "../flags/table.ts";
import type { ServerUrl } from "./server-url.ts";

/**
 * Replaces what depends on the machine in `values`; `host` is its address on the default route, when it has
 * one. Returns whether the host was used.
 */
export function fillAdvertised(values: FlagValues, host: string | undefined): boolean {
  const peer = advertisedFor(
    values["listen-peer-urls"],
    values["initial-advertise-peer-urls"],
    DEFAULT_PEER_URL,
    host,
  );
  if (peer !== undefined) values["initial-advertise-peer-urls"] = peer;
  const isOnlyName =
    values.name !== DEFAULT_NAME && values["initial-cluster"] === DEFAULT_INITIAL_CLUSTER;
  if (isOnlyName) {
    const name = values.name === "" ? DEFAULT_NAME : values.name;
    const urls = values["initial-advertise-peer-urls"];
    values["initial-cluster"] = urls.map(({ text }) => `${name}=${text}`).join(",");
  }
  const client = advertisedFor(
    values["listen-client-urls"],
    values["advertise-client-urls"],
    DEFAULT_CLIENT_URL,
    host,
  );
  if (client !== undefined) values["advertise-client-urls"] = client;
  return peer !== undefined || client !== undefined;
}

/** The URL to advertise instead of the default, or `undefined` when what is advertised stays. */
function advertisedFor(
  listen: readonly ServerUrl[],
  advertised: readonly ServerUrl[],
  defaultText: string,
  host: string | undefined,
): readonly ServerUrl[] | undefined {
  if (host === undefined || advertised.length !== 1 || advertised[0].text !== defaultText) {
    return undefined;
  }
  const address = splitHostPort(listen[0].host);
  if (address instanceof GoUrlError || address.host !== "0.0.0.0") return undefined;
  const { scheme } = advertised[0];
  const hostPort = `${host}:${address.port}`;
  return [{ scheme, host: hostPort, path: "", text: `${scheme}://${hostPort}` }];
}
