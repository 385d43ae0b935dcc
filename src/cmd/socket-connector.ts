/** Sockets as the way to servers of the tools: the same as of programs that use the client library. */
export { socketConnector } from "../node-client/socket-connector.ts";
