/**
 * Asks the other members for the hash of their keyspace, all at once, each under its URLs in turn.
 *
 * Source: etcd server/etcdserver/corrupt.go (getPeerHashKVs, HashByRev) (3.5).
 */
import { GrpcCode } from "../../errors/codes.ts";
import { EtcdError } from "../../errors/etcd-error.ts";
import { Errors } from "../../errors/table.ts";
import type { PeerHash, TakenHash } from "../../member/corruption-check.ts";
import type { Member } from "../../member/member.ts";
import { formatId } from "../../membership/member-info.ts";
import type { PeerCaller, PeerRequest, PeerResponse } from "../../peer/network.ts";
import type { Log } from "../../ports/log.ts";
import { utf8FromBytes } from "../../stdx/bytes.ts";
import type { HashPeers } from "./corruption-checks.ts";
import { decodeHash, encodeHashRequest, HASH_PATH } from "./peer-hash-format.ts";

export interface PeerHashesParts {
  readonly member: Member;
  readonly peers: PeerCaller;
  /** For each URL. */
  readonly timeoutMs: number;
  readonly log: Log;
}

export class PeerHashes implements HashPeers {
  readonly #parts: PeerHashesParts;

  constructor(parts: PeerHashesParts) {
    this.#parts = parts;
  }

  hashesAt(revision: number, done: (answers: readonly PeerHash[]) => void): void {
    const { member } = this.#parts;
    const others = member.applier.cluster
      .members()
      .filter(({ id, peerUrls }) => id !== member.id && peerUrls.length > 0);
    const answers: PeerHash[] = [];
    if (others.length === 0) done(answers);
    for (const { id, peerUrls } of others) {
      this.#ask(peerUrls, 0, revision, (answer) => {
        answers.push({ peerId: id, endpoints: peerUrls, answer });
        if (answers.length === others.length) done(answers);
      });
    }
  }

  /** Asks at one URL after the other until one answers with a hash; `done` is told the last failure. */
  #ask(
    urls: readonly string[],
    at: number,
    revision: number,
    done: (answer: TakenHash | EtcdError) => void,
  ): void {
    const { member, peers, timeoutMs, log } = this.#parts;
    const request: PeerRequest = {
      method: "GET",
      path: HASH_PATH,
      contentType: "application/json",
      body: encodeHashRequest(revision),
      clusterId: member.applier.cluster.id,
    };
    peers.call(urls[at], request, timeoutMs, (response) => {
      const answer = takenHashOf(response, revision);
      if (answer instanceof EtcdError) {
        log.warn("failed hash kv request", {
          "local-member-id": formatId(member.id),
          "requested-revision": revision,
          "remote-peer-endpoint": urls[at],
          error: answer.message,
        });
      }
      if (answer instanceof EtcdError && at + 1 < urls.length)
        this.#ask(urls, at + 1, revision, done);
      else done(answer);
    });
  }
}

function takenHashOf(response: PeerResponse | Error, revision: number): TakenHash | EtcdError {
  if (response instanceof Error) return new EtcdError(GrpcCode.Unknown, response.message);
  const { status, body } = response;
  if (status === 200) {
    const hash = decodeHash(body, revision);
    return hash ?? new EtcdError(GrpcCode.Unknown, "the answer is no hash");
  }
  const text = utf8FromBytes(body);
  if (status === 400) {
    const refusal = [Errors.Compacted, Errors.FutureRevision].find(({ message }) =>
      text.includes(message.replace(/^etcdserver: /, "")),
    );
    if (refusal !== undefined) return refusal;
  }
  if (status === 412 && text.includes("cluster ID mismatch")) return Errors.ClusterIdMismatch;
  return new EtcdError(GrpcCode.Unknown, `unknown error: ${text}`);
}
