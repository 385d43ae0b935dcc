import type { OpenRegistry } from "../server/discovery/registry.ts";

/** The discovery service over gRPC. The client is loaded only by a member that asks for it. */
export const openRegistry: OpenRegistry = async (settings) => {
  const { openClientRegistry } = await import("./discovery-registry.ts");
  return openClientRegistry(settings);
};
