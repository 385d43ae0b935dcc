/** Bodies of requests that are read as a whole. */
import type { HttpServerRequest } from "../../ports/http.ts";
import { concatBytes } from "../../stdx/bytes.ts";

/**
 * Reads a body of at most `bytesMax` and calls `done` with it, or with undefined when there is more or the rest
 * does not come. Called once, maybe before this returns.
 */
export function readWholeBody(
  request: HttpServerRequest,
  bytesMax: number,
  done: (body: Uint8Array | undefined) => void,
): void {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  let isOver = false;
  const finish = (body: Uint8Array | undefined): void => {
    if (isOver) return;
    isOver = true;
    done(body);
  };
  request.readBody({
    onBytes(piece) {
      bytes += piece.length;
      if (bytes > bytesMax) finish(undefined);
      else if (!isOver) pieces.push(piece);
    },
    onEnd: () => finish(concatBytes(pieces)),
    onFailed: () => finish(undefined),
  });
}
