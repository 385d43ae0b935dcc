/**
 * Answers that do not go back in time, though they come from servers of which some are behind: one that is older
 * than what was answered before is asked for again, from the next server.
 *
 * Source: etcd client/v3/ordering (kv.go, util.go).
 */
import type { Answer } from "../../client/channel.ts";
import { GrpcCode } from "../../errors/codes.ts";
import { decodeRangeResponse } from "../../wire/gen/rpc.ts";

/** Rounds over all servers before it is given up. */
const ROUNDS_MAX = 5;

export class RevisionOrder {
  readonly #servers: number;
  #revision = 0;

  constructor(servers: number) {
    this.#servers = servers;
  }

  /** What a change was answered, which is never old. */
  note({ body }: Answer): void {
    if (body !== undefined) this.#revision = Math.max(this.#revision, revisionOf(body));
  }

  /** What `ask` answers, once that is not older than what was answered before. */
  async inOrder(ask: () => Promise<Answer>): Promise<Answer> {
    const wanted = this.#revision;
    for (let tries = 0; tries < ROUNDS_MAX * this.#servers + 1; tries++) {
      const answer = await ask();
      if (answer.body === undefined) return answer;
      const revision = revisionOf(answer.body);
      if (revision < wanted) continue;
      this.#revision = Math.max(this.#revision, revision);
      return answer;
    }
    const message =
      "etcdclient: no cluster members have a revision higher than the previously received revision";
    return { code: GrpcCode.Unknown, message, body: undefined };
  }
}

/** All answers of the service begin with their header, as that of a range does. */
function revisionOf(body: Uint8Array): number {
  return decodeRangeResponse(body.subarray(0, headerEnd(body))).header?.revision ?? 0;
}

/** Where the header ends: a tag, one byte of length (headers are short), and the header. */
function headerEnd(body: Uint8Array): number {
  const hasHeader = body.length >= 2 && body[0] === 0x0a && body[1] < 0x80;
  return hasHeader ? 2 + body[1] : 0;
}
