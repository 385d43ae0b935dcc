/** What is at home without the types of Node.js, where those of browsers have AbortSignal. */
import { type ConnectOptions, connect } from "etcd-ts/client";

export * from "./standalone-exports.js";

export async function read(options: ConnectOptions, signal: AbortSignal): Promise<string> {
  const client = await connect(options);
  const entry = await client.kv.get("key", { signal });
  client.close();
  return entry?.value ?? "";
}
