/**
 * Defragmentation at start, before anybody is served, when there is enough to gain.
 *
 * Source: etcd server/etcdserver/backend.go (maybeDefragBackend).
 */
import type { Backend } from "../../backend/backend.ts";
import { type DefragmentedSizes, defragmentFile } from "../../backend/defragment-file.ts";
import { goDurationOfMs } from "../../stdx/go-duration.ts";
import { humanBytes } from "../../stdx/humanize.ts";
import type { Environment } from "./bootstrap.ts";
import { defragFinishedFields, defragSizeFields } from "../storage/defrag-log.ts";
import { openBackend } from "./open-backend.ts";
import { StartError } from "./start-error.ts";

/**
 * Rewrites the database of `backend` if at least `thresholdBytes` of it are unused; 0 means never. Returns
 * the backend to go on with; the one given is closed if it is another. Rejects with `StartError`.
 */
export async function defragmentAtStart(
  backend: Backend,
  directory: string,
  thresholdBytes: number,
  environment: Environment,
): Promise<Backend> {
  if (thresholdBytes === 0) return backend;
  const { disk, clock, random } = environment;
  const log = environment.log.named("server/start/start-defrag.ts");
  const { path } = backend;
  const before = backend.sizes();
  if (before.bytes - before.bytesInUse < thresholdBytes) {
    log.info("Skipping defragmentation", {
      ...defragSizeFields(before),
      "experimental-bootstrap-defrag-threshold-bytes": thresholdBytes,
      "experimental-bootstrap-defrag-threshold": humanBytes(thresholdBytes),
    });
    return backend;
  }
  log.info("defragmenting", { path, ...defragSizeFields(before) });
  const startMs = clock.nowMs();
  backend.close();
  const temporaryPath = `${directory}/db.tmp.${random.below(2 ** 32)}`;
  const result = await new Promise<DefragmentedSizes | Error>((resolve) =>
    defragmentFile({ disk, path, temporaryPath }, resolve),
  );
  if (result instanceof Error) {
    throw new StartError(
      `cannot defragment "${path}" at start: ${result.message}; make room, or start without ` +
        "--experimental-bootstrap-defrag-threshold-megabytes",
      result,
    );
  }
  const took = goDurationOfMs(clock.nowMs() - startMs);
  log.info("finished defragmenting directory", {
    path,
    ...defragFinishedFields(before, result.after),
    took,
  });
  return openBackend(environment, path);
}
