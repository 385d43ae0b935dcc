/** Types of messages by name, for the log. */
import { MessageType } from "../wire/gen/raft.ts";

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(MessageType).map(([name, value]) => [value, name]),
);

export function messageTypeName(type: MessageType): string {
  return NAMES.get(type) ?? String(type);
}
