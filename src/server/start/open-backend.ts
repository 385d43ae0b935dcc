/** Opens the database of a member, whose commits are counted. */
import { Backend, type BackendOptions } from "../../backend/backend.ts";
import type { Environment } from "./bootstrap.ts";

/** See `Backend.open`. */
export function openBackend(
  { disk, clock, metrics }: Pick<Environment, "disk" | "clock" | "metrics">,
  path: string,
  options: BackendOptions = {},
): Backend {
  return Backend.open(disk, path, { ...options, measures: { metrics: metrics.backend, clock } });
}
