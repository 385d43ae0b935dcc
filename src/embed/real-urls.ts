/** URLs with the ports that were really got, and what a member advertises when it was not told. */
import { joinHostPort } from "../platform/tcp.ts";
import { listenPlacesOf } from "../server/listen-address.ts";
import type { ServerUrl } from "../server/config/server-url.ts";
import { GoUrlError, splitHostPort } from "../stdx/go-url.ts";

/** `urls` with the ports of the listeners in place of port 0; `ports` are as `Listeners` has them. */
export function realUrls(
  urls: readonly ServerUrl[],
  ports: readonly number[],
): readonly ServerUrl[] {
  return urls.map((url, index) => {
    const address = splitHostPort(url.host);
    if (address instanceof GoUrlError || Number(address.port) !== 0) return url;
    // One with port 0 is always a place of its own.
    const place = listenPlacesOf(urls.slice(0, index + 1)).length - 1;
    return withHost(url, joinHostPort(address.host, ports[place]));
  });
}

/** `urls` as others can reach them: `host` in place of addresses that mean every interface. */
export function reachableUrls(urls: readonly ServerUrl[], host: string): readonly ServerUrl[] {
  return urls.map((url) => {
    const address = splitHostPort(url.host);
    const isEvery =
      !(address instanceof GoUrlError) && (address.host === "0.0.0.0" || address.host === "::");
    return isEvery ? withHost(url, joinHostPort(host, Number(address.port))) : url;
  });
}

function withHost({ scheme, path }: ServerUrl, host: string): ServerUrl {
  return { scheme, host, path, text: `${scheme}://${host}${path}` };
}
