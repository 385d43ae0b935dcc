/** A network with nobody in it: for a member that is alone in its process and in its cluster. */
import type { PeerNetwork } from "../src/peer/network.ts";

/** Every call fails at once, whatever is sent is unreachable. `defer` calls its argument soon. */
export function noNetwork(defer: (run: () => void) => void): PeerNetwork {
  return {
    call: (url, _request, _timeoutMs, done) =>
      defer(() => done(new Error(`there is no network to reach ${url}`))),
    join: (_self, receiver) => ({
      setPeer: () => {},
      removePeer: () => {},
      send: (messages) =>
        defer(() => {
          for (const { to } of messages) receiver.onUnreachable(to);
        }),
      sendSnapshot: ({ to }, database) => {
        database.close();
        defer(() => receiver.onSnapshotSent(to, false));
      },
      activeSinceMs: () => undefined,
      stop: () => {},
    }),
  };
}
