/**
 * Senders that this member does not know yet, as happens to one that joins and has not read so far: they gave
 * their URLs, so that they can be answered, by requests only.
 *
 * Source: etcd server/etcdserver/api/rafthttp (remote.go, AddRemote in transport.go).
 */
import { GoUrlError, parseGoUrl } from "../stdx/go-url.ts";
import type { Message } from "../wire/gen/raft.ts";
import { REMOTE_URLS_MAX, REMOTES_MAX } from "./limits.ts";
import { formatId } from "./member-id.ts";
import { messageTypeName } from "./message-name.ts";
import type { LocalPeer, PeerReceiver } from "./network.ts";
import type { PeerOptions } from "./options.ts";
import { PeerStatus } from "./peer-status.ts";
import { Pipeline } from "./pipeline.ts";
import { UrlPicker } from "./url-picker.ts";

interface Remote {
  readonly status: PeerStatus;
  readonly pipeline: Pipeline;
}

export class Remotes {
  readonly #self: LocalPeer;
  readonly #options: PeerOptions;
  readonly #receiver: PeerReceiver;
  readonly #remotes = new Map<bigint, Remote>();

  constructor(self: LocalPeer, options: PeerOptions, receiver: PeerReceiver) {
    this.#self = self;
    this.#options = options;
    this.#receiver = receiver;
  }

  /**
   * Remembers a sender by the text of its header. Nonsense is not remembered, and nobody beyond a bound;
   * etcd panics on the first.
   */
  add(id: bigint, header: string): void {
    if (id === this.#self.id || this.#remotes.has(id) || this.#remotes.size >= REMOTES_MAX) return;
    const urls = header.split(",");
    if (urls.length > REMOTE_URLS_MAX || !urls.every(isPeerUrl)) return;
    const { log } = this.#options;
    const status = new PeerStatus(this.#self.id, id, this.#options);
    const pipeline = new Pipeline({
      self: this.#self,
      peerId: id,
      options: this.#options,
      picker: new UrlPicker(urls),
      status,
      receiver: this.#receiver,
    });
    this.#remotes.set(id, { status, pipeline });
    log.info("added new remote peer", {
      "local-member-id": formatId(this.#self.id),
      "remote-peer-id": formatId(id),
      "remote-peer-urls": urls,
    });
  }

  /** Sends a message to a sender that is remembered; reports whether it is one. */
  send(message: Message): boolean {
    const remote = this.#remotes.get(message.to);
    if (remote === undefined) return false;
    if (remote.pipeline.send(message)) return true;
    this.#options.metrics.sentFailures.child(formatId(message.to)).inc();
    this.#options.log.warn(
      "dropped Raft message since sending buffer is full (overloaded network)",
      {
        "message-type": messageTypeName(message.type),
        "local-member-id": formatId(this.#self.id),
        from: formatId(message.from),
        "remote-peer-id": formatId(message.to),
        "remote-peer-active": remote.status.isActive,
      },
    );
    return true;
  }

  /** It is known now, or gone. */
  forget(id: bigint): void {
    this.#remotes.get(id)?.pipeline.stop();
    this.#remotes.get(id)?.status.stop();
    this.#remotes.delete(id);
  }

  stop(): void {
    for (const id of this.#remotes.keys()) this.forget(id);
  }
}

const SCHEMES: ReadonlySet<string> = new Set(["http", "https", "unix", "unixs"]);

function isPeerUrl(text: string): boolean {
  const url = parseGoUrl(text);
  return !(url instanceof GoUrlError) && SCHEMES.has(url.scheme) && url.host !== "";
}
