/** Sockets as the client's way to servers. */
import type { Connector } from "../client/connector.ts";
import { DialError, type DialTls, dial } from "../platform/socket-dial.ts";

/** TLS of an endpoint that demands it, when the tool was given nothing of its own. */
const DEFAULT_TLS: DialTls = {
  serverName: "",
  insecureSkipVerify: false,
  ca: undefined,
  cert: undefined,
  key: undefined,
};

/**
 * Connects over TCP and Unix sockets; `tls` is what secure endpoints are reached with, or tells it for each connection.
 */
export function socketConnector(
  tls: DialTls | undefined | (() => Promise<DialTls | undefined>),
): Connector {
  return {
    async connect({ address, secure, serverName }) {
      const settings = (typeof tls === "function" ? await tls() : tls) ?? DEFAULT_TLS;
      const named = settings.serverName === "" ? { ...settings, serverName } : settings;
      return dial(address, secure ? named : undefined).catch((error: unknown) => {
        if (!(error instanceof DialError)) throw error;
        const stage =
          error.phase === "dial" ? "Error while dialing" : "authentication handshake failed";
        throw new Error(`transport: ${stage}: ${error.message}`, { cause: error });
      });
    },
  };
}
