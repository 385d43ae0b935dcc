import { describe, expect, test } from "vitest";
import { QUIET_LOG } from "../../test/harness/quiet-log.ts";
import { createMessage, type Message, MessageType } from "../wire/gen/raft.ts";
import { MetricsRegistry } from "../stdx/metrics/registry.ts";
import { PeerMetrics } from "./metrics.ts";
import { Inbox } from "./inbox.ts";
import type { PeerReceiver } from "./network.ts";

const SELF = 1n;
const PEER = 2n;

function delivered(message: Partial<Message>): string {
  const taken: Message[] = [];
  const receiver = {
    onMessage: (arrived: Message) => taken.push(arrived),
    isRemoved: (id: bigint) => id === 3n,
  } as unknown as PeerReceiver;
  const inbox = new Inbox({ id: SELF, clusterId: 7n, peerUrls: [] }, receiver, {
    log: QUIET_LOG,
    metrics: new PeerMetrics(new MetricsRegistry()),
  });
  const refusal = inbox.deliver(createMessage({ to: SELF, from: PEER, ...message }));
  expect(taken).toHaveLength(refusal === undefined ? 1 : 0);
  return refusal?.text ?? "taken";
}

describe("Inbox", () => {
  test("takes what members send to this one", () => {
    expect(delivered({ type: MessageType.MsgHeartbeat })).toBe("taken");
    expect(delivered({ to: 9n })).toBe("cannot process message to mismatch member");
    expect(delivered({ from: 3n })).toBe("cannot process message from removed member");
    expect(delivered({ type: MessageType.MsgSnap })).toBe("snapshot without its database");
  });

  test("takes nothing in the name of this member but what it has sent to a former leader", () => {
    const nobody = "message from an id that no member has";
    expect(delivered({ from: SELF, type: MessageType.MsgAppResp })).toBe(nobody);
    expect(delivered({ from: SELF, type: MessageType.MsgVoteResp })).toBe(nobody);
    expect(delivered({ from: 0xffff_ffff_ffff_ffffn, type: MessageType.MsgProp })).toBe(nobody);
    expect(delivered({ from: SELF, type: MessageType.MsgProp })).toBe("taken");
    expect(delivered({ from: SELF, type: MessageType.MsgReadIndex })).toBe("taken");
  });
});
