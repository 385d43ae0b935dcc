import { expect, test } from "vitest";
import {
  LOCAL_APPEND_TARGET,
  MemoryStorage,
  RawNode,
  decodeMessage,
  encodeMessage,
  isLocalTarget,
} from "./index.ts";
import type { Message } from "./index.ts";

/** The worked example of docs/internals/raft.md: three nodes in one program, messages over the wire. */
test("the public entry is enough to run a group", () => {
  const ids = [1n, 2n, 3n];
  const log = {
    enabled: () => false,
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: () => {},
    fatal: () => {},
  };
  const members = ids.map((id) => {
    const storage = new MemoryStorage();
    const node = new RawNode({
      id,
      storage,
      log,
      electionTicks: 10,
      heartbeatTicks: 1,
      random: { below: () => 0, fill: () => {} },
      messageBytesMax: 1024 * 1024,
      inflightMessagesMax: 256,
    });
    node.bootstrap(ids.map((each) => ({ id: each, context: undefined })));
    return { node, storage, applied: 0 };
  });
  const arrived: Message[] = [];
  const turn = (): void => {
    for (const message of arrived.splice(0)) members[Number(message.to) - 1].node.step(message);
    for (const member of members) {
      const { node, storage } = member;
      while (node.hasReady()) {
        for (const message of node.ready().messages) {
          if (!isLocalTarget(message.to)) {
            arrived.push(decodeMessage(encodeMessage(message)));
            continue;
          }
          if (message.to === LOCAL_APPEND_TARGET) storage.append(message.entries);
          else member.applied += message.entries.length;
          arrived.push(...message.responses);
        }
      }
    }
  };
  const settle = (): void => {
    turn();
    while (arrived.length > 0) turn();
  };
  settle();
  members[0].node.campaign();
  settle();
  expect(members[0].node.propose([Uint8Array.of(1), Uint8Array.of(2)])).toBeUndefined();
  settle();
  expect(members.map(({ applied }) => applied)).toEqual([6, 6, 6]);
});
