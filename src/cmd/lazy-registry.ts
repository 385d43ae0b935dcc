import type { OpenRegistry } from "../server/discovery/registry.ts";

/**
 * The discovery service: over HTTP where there is a discovery URL, over gRPC otherwise. What reaches it is
 * loaded only by a member that asks for it.
 */
export const openRegistry: OpenRegistry = async (settings) => {
  if (settings.url !== "") {
    const { UrlRegistry } = await import("./url-registry.ts");
    return new UrlRegistry(settings);
  }
  const { openClientRegistry } = await import("./discovery-registry.ts");
  return openClientRegistry(settings);
};
