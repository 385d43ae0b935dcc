/**
 * Which of a peer's URLs is used: one of them until it fails, then the next, round and round.
 *
 * Source: etcd server/etcdserver/api/rafthttp (urlpick.go).
 */
export class UrlPicker {
  #urls: readonly string[];
  #picked = 0;

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  update(urls: readonly string[]): void {
    this.#urls = urls;
    this.#picked = 0;
  }

  /** Without a trailing slash. Empty for a peer without URLs. */
  pick(): string {
    return (this.#urls[this.#picked] ?? "").replace(/\/$/, "");
  }

  /** A request to `url` failed. */
  unreachable(url: string): void {
    if (url === this.pick()) this.#picked = (this.#picked + 1) % Math.max(1, this.#urls.length);
  }
}
