/**
 * What an election has last said to a peer. When the network heals, the old connections may be as good as
 * dead while new ones are there, and the next round of the election is seconds away: so it is said again on
 * every new stream. Raft takes messages that come twice.
 */
import { MessageType } from "../wire/gen/raft.ts";
import type { Message } from "../wire/gen/raft.ts";

export class UnansweredVotes {
  #request: Message | undefined;
  #response: Message | undefined;

  /** A message goes to the peer. What is not of an election says that there is none any more. */
  sent(message: Message): void {
    switch (message.type) {
      case MessageType.MsgPreVote:
      case MessageType.MsgVote:
        this.#request = message;
        return;
      case MessageType.MsgPreVoteResp:
      case MessageType.MsgVoteResp:
        this.#response = message;
        return;
      default:
        this.#request = undefined;
        this.#response = undefined;
    }
  }

  /** What is to be said again. */
  messages(): readonly Message[] {
    return [this.#request, this.#response].filter((message) => message !== undefined);
  }
}
