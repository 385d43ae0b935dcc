/**
 * Random changes of the membership, asked of a cluster of the real etcd and of one of ours, each through a
 * member chosen by chance: equal answers, and equal lists of members afterwards.
 */
import { describe, expect, test } from "vitest";
import { Prng } from "../../src/stdx/prng.ts";
import type { MethodInfo } from "../../src/wire/codec.ts";
import type { Member } from "../../src/wire/gen/rpc.ts";
import { ClusterService } from "../../src/wire/gen/services.ts";
import { EtcdCluster } from "../harness/etcd-cluster.ts";
import { openRawCaller, type RawCaller } from "../harness/raw-calls.ts";
import { REFERENCE } from "../harness/reference.ts";
import { sleep } from "../harness/sleep.ts";

const SEED = Number(process.env["MEMBERSHIP_SEED"] ?? 1);
const REQUESTS = Number(process.env["MEMBERSHIP_REQUESTS"] ?? 60);

/** A member counts as connected when it has answered for five seconds. */
const CONNECTED_MS = 6000;
const POLL_MS = 10;
const POLLS_MAX = 1000;

/** What is asked, in terms that both clusters have: members are founders, or those added, by number. */
type Asked =
  | { readonly kind: "add"; readonly urls: readonly string[]; readonly isLearner: boolean }
  | { readonly kind: "remove" | "promote"; readonly target: string }
  | { readonly kind: "update"; readonly target: string; readonly urls: readonly string[] }
  | { readonly kind: "list"; readonly linearizable: boolean };

/** A cluster under test, and what its members are called here. */
class Side {
  readonly cluster: EtcdCluster;
  readonly #callers: RawCaller[] = [];
  readonly #ids = new Map<string, bigint>([["nobody", 1n]]);

  private constructor(cluster: EtcdCluster) {
    this.cluster = cluster;
  }

  static async start(program: "real" | "ours"): Promise<Side> {
    const side = new Side(await EtcdCluster.start({ members: [program, program, program] }));
    for (const member of side.cluster.members) {
      side.#callers.push(await openRawCaller(member.endpoint));
      side.#ids.set(`f${side.#callers.length}`, await side.cluster.idOf(member));
    }
    return side;
  }

  async remove(): Promise<void> {
    for (const caller of this.#callers) caller.close();
    await this.cluster.remove();
  }

  /** Asks the member `through`; the answer in terms that both clusters have. `name`: of who is added. */
  async ask(asked: Asked, through: number, name: string): Promise<unknown> {
    const { memberAdd, memberRemove, memberUpdate, memberPromote, memberList } = ClusterService;
    switch (asked.kind) {
      case "add": {
        const peerUrls = asked.urls.map((url) => this.#urlOf(url));
        const request = { peerUrls, isLearner: asked.isLearner };
        return this.#call(through, memberAdd, request, ({ member }) => {
          if (member !== undefined) this.#ids.set(name, member.id);
          return member && this.#shown(member);
        });
      }
      case "remove":
        return this.#call(through, memberRemove, { id: this.#idOf(asked.target) });
      case "promote":
        return this.#call(through, memberPromote, { id: this.#idOf(asked.target) });
      case "update": {
        const peerUrls = asked.urls.map((url) => this.#urlOf(url));
        return this.#call(through, memberUpdate, { id: this.#idOf(asked.target), peerUrls });
      }
      case "list":
        return this.#call(through, memberList, { linearizable: asked.linearizable });
    }
  }

  /** The members, once all founders tell the same of them. */
  async settled(): Promise<unknown> {
    for (let polls = 0; polls < POLLS_MAX; polls++) {
      const asked = { kind: "list", linearizable: false } as const;
      const lists = await Promise.all(this.#callers.map((_, at) => this.ask(asked, at, "")));
      const texts = new Set(lists.map((list) => JSON.stringify(list)));
      if (texts.size === 1) return lists[0];
      await sleep(POLL_MS);
    }
    throw new Error("the members do not come to agree");
  }

  async #call<Request extends object, Response extends { readonly members: readonly Member[] }>(
    through: number,
    method: MethodInfo<Request, Response>,
    request: Partial<Request>,
    also: (response: Response) => unknown = () => undefined,
  ): Promise<unknown> {
    const bytes = method.request.encode(method.request.create(request));
    const { code, text, body } = await this.#callers[through].call(method.path, bytes);
    if (body === undefined) return { code, text };
    const response = method.response.decode(body);
    const added = also(response);
    return { members: response.members.map((member) => this.#shown(member)).sort(), added };
  }

  #shown({ id, name, peerUrls, clientUrls, isLearner }: Member): string {
    const known = [...this.#ids].find(([, each]) => each === id)?.[0] ?? "unknown";
    const urls = peerUrls.map((url) => this.#founderOf(url) ?? url);
    return `${known} ${name} ${urls.join(",")} ${clientUrls.length} ${isLearner}`;
  }

  #idOf(target: string): bigint {
    return this.#ids.get(target) ?? 2n;
  }

  /** "f2" stands for the URL of the second founder. */
  #urlOf(url: string): string {
    const at = /^f(\d)$/.exec(url)?.[1];
    return at === undefined ? url : this.cluster.members[Number(at) - 1].peerUrl;
  }

  #founderOf(url: string): string | undefined {
    const at = this.cluster.members.findIndex(({ peerUrl }) => peerUrl === url);
    return at < 0 ? undefined : `f${at + 1}`;
  }
}

/** Chooses what is asked next; knows what was added, and as what. */
class Chooser {
  readonly #random: Prng;
  #port = 1;
  #added = 0;
  /** Names of those added that were voters from the start; a learner is not updated: see reconfiguration.ts. */
  readonly #voters: string[] = [];
  readonly #learners: string[] = [];
  readonly #removed: string[] = [];
  readonly #urls: string[] = ["f1", "f2", "f3"];

  constructor(random: Prng) {
    this.#random = random;
  }

  get nextName(): string {
    return `a${this.#added}`;
  }

  next(): Asked {
    const added = [...this.#voters, ...this.#learners, ...this.#removed];
    const everybody = ["f1", "f2", "f3", "nobody", ...added];
    const target = this.#random.pick(everybody);
    switch (this.#random.below(6)) {
      case 0:
      case 1:
        // While a voter is missing, 3.5.16 adds nobody; later releases do where a quorum is left.
        if (this.#voters.length > 0) return { kind: "remove", target: this.#voters[0] };
        return { kind: "add", urls: this.#someUrls(true), isLearner: this.#random.below(2) === 0 };
      case 2:
        // Founders stay: a cluster that loses one is another test.
        return {
          kind: "remove",
          target: this.#random.pick(["nobody", ...added]),
        };
      case 3:
        return { kind: "promote", target };
      case 4: {
        const updated = this.#random.pick(["nobody", ...this.#voters, ...this.#removed]);
        return { kind: "update", target: updated, urls: this.#someUrls(false) };
      }
      default:
        return { kind: "list", linearizable: this.#random.below(2) === 0 };
    }
  }

  /** What was asked was done. */
  done(asked: Asked): void {
    if (asked.kind === "add") {
      (asked.isLearner ? this.#learners : this.#voters).push(this.nextName);
      this.#added++;
    }
    if (asked.kind === "remove") {
      for (const list of [this.#voters, this.#learners]) {
        if (list.includes(asked.target)) list.splice(list.indexOf(asked.target), 1);
      }
      this.#removed.push(asked.target);
    }
    if (asked.kind === "add" || asked.kind === "update") this.#urls.push(...asked.urls);
  }

  /**
   * Always one that is new: two members with the same URLs of the same second would have the same id.
   * `mayBeNone`: not for updates, on which etcd crashes.
   */
  #someUrls(mayBeNone: boolean): string[] {
    const urls = [`http://127.0.0.1:${this.#port++}`];
    if (this.#random.below(3) === 0) urls.push(this.#random.pick(this.#urls));
    if (mayBeNone && this.#random.below(8) === 0) urls.push("ftp://127.0.0.1:1");
    return urls;
  }
}

describe.skipIf(REFERENCE === undefined)("changes of the membership", () => {
  test(`are answered as by the real etcd, ${REQUESTS} requests of seed ${SEED}`, async () => {
    const [real, ours] = await Promise.all([Side.start("real"), Side.start("ours")]);
    try {
      await sleep(CONNECTED_MS);
      const random = new Prng(SEED);
      const chooser = new Chooser(random);
      const refused = new Set<string>();
      for (let count = 0; count < REQUESTS; count++) {
        const asked = chooser.next();
        const through = random.below(3);
        const name = chooser.nextName;
        const [expected, answer] = await Promise.all(
          [real, ours].map((side) => side.ask(asked, through, name)),
        );
        const what = `request ${count}: ${JSON.stringify(asked)} through ${through}`;
        expect(answer, what).toEqual(expected);
        const { code } = answer as { readonly code?: number };
        if (code === undefined) chooser.done(asked);
        else refused.add((answer as { readonly text: string }).text);
        const [settled, oursSettled] = await Promise.all([real.settled(), ours.settled()]);
        expect(oursSettled, what).toEqual(settled);
      }
      expect(refused.size).toBeGreaterThan(4);
    } finally {
      await Promise.all([real.remove(), ours.remove()]);
    }
  }, 240_000);
});
