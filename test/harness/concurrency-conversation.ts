/** One conversation with the lock and election services of a server, as a transcript to compare. */
import { bytesFromLatin1, latin1FromBytes } from "../../src/stdx/bytes.ts";
import type { Codec } from "../../src/wire/codec.ts";
import type { LeaderKey } from "../../src/wire/gen/election.ts";
import {
  ElectionService,
  KVService,
  LeaseService,
  LockService,
} from "../../src/wire/gen/services.ts";
import type { RawCaller } from "./raw-calls.ts";
import { sleep } from "./sleep.ts";

const POLL_MS = 10;

interface Method<Request, Response> {
  readonly path: string;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
}

/** A call under way. */
interface Waiting {
  readonly ended: Promise<void>;
  cancel(): void;
}

/** Talks and writes down. */
export class ConcurrencyConversation {
  readonly transcript: string[] = [];
  readonly #caller: RawCaller;
  /** Ids that servers choose, in order of appearance. */
  readonly #chosen: string[] = [];

  constructor(caller: RawCaller) {
    this.#caller = caller;
  }

  /** Calls and writes down how it ended. */
  async say<Request, Response>(
    method: Method<Request, Response>,
    partial: Partial<Request> = {},
  ): Promise<Response | undefined> {
    const request = method.request.encode(method.request.create(partial));
    const { code, text, body } = await this.#caller.call(method.path, request);
    const response = body === undefined ? undefined : method.response.decode(body);
    this.#note(`${method.path} ${this.#show(response ?? { code, text })}`);
    return response;
  }

  /** Starts a call that has to wait; its end is written down when it comes. */
  start<Request, Response>(
    method: Method<Request, Response>,
    partial: Partial<Request>,
    name: string,
  ): Waiting {
    let cancel = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      const call = this.#caller.open(method.path, {
        onMessage: (body) => this.#note(`${name} told ${this.#show(method.response.decode(body))}`),
        onEnd: (code, text) => {
          this.#note(`${name} ended ${code} ${text}`);
          resolve();
        },
      });
      call.send(method.request.encode(method.request.create(partial)));
      call.halfClose();
      cancel = () => {
        call.cancel();
        resolve();
      };
    });
    return { ended, cancel };
  }

  /** Waits until `count` keys begin with `prefix`. */
  async untilKeys(prefix: string, count: number): Promise<void> {
    const { request, response, path } = KVService.range;
    const key = bytesFromLatin1(prefix);
    const rangeEnd = bytesFromLatin1(`${prefix.slice(0, -1)}0`);
    const body = request.encode(request.create({ key, rangeEnd, countOnly: true }));
    for (;;) {
      const answer = await this.#caller.call(path, body);
      if (answer.body !== undefined && response.decode(answer.body).count === count) return;
      await sleep(POLL_MS);
    }
  }

  /** Waits until something was written down that contains `text`. */
  async untilNoted(text: string): Promise<void> {
    while (!this.transcript.some((line) => line.includes(text))) await sleep(POLL_MS);
  }

  #note(line: string): void {
    this.transcript.push(line);
  }

  /** Terms of Raft are left out, chosen ids numbered. */
  #show(message: unknown): string {
    return JSON.stringify(message, (name, value: unknown) => {
      if (name === "raftTerm") return undefined;
      if (value instanceof Uint8Array) return this.#numbered(latin1FromBytes(value));
      return typeof value === "bigint" ? this.#numbered(value.toString(16)) : value;
    });
  }

  #numbered(text: string): string {
    return text.replace(/[0-9a-f]{14,}/g, (id) => {
      if (!this.#chosen.includes(id)) this.#chosen.push(id);
      return `<id ${this.#chosen.indexOf(id)}>`;
    });
  }
}

const LEASES = [0x77n, 0x78n, 0x79n, 0x7an, 0x7bn];

/** Locks: taken, taken again, waited for, given up, lost; what is refused. */
export async function talkOfLocks(talk: ConcurrencyConversation): Promise<void> {
  const name = bytesFromLatin1("a");
  const { lock, unlock } = LockService;
  for (const id of LEASES) await talk.say(LeaseService.leaseGrant, { id, ttl: 600 });
  await talk.say(lock, { name, lease: 12345n });
  await talk.say(lock, { name, lease: -1n });
  await talk.say(lock);
  await talk.say(lock, { name, lease: 0x77n });
  await talk.say(lock, { name, lease: 0x77n });
  const impatient = talk.start(lock, { name, lease: 0x78n }, "impatient");
  await talk.untilKeys("a/", 2);
  impatient.cancel();
  await impatient.ended;
  await talk.untilKeys("a/", 1);
  await talk.say(KVService.range, { key: bytesFromLatin1("a/"), rangeEnd: bytesFromLatin1("a0") });
  const first = talk.start(lock, { name, lease: 0x78n }, "first");
  await talk.untilKeys("a/", 2);
  const second = talk.start(lock, { name, lease: 0x79n }, "second");
  await talk.untilKeys("a/", 3);
  const lost = talk.start(lock, { name, lease: 0x7an }, "lost");
  await talk.untilKeys("a/", 4);
  await talk.say(LeaseService.leaseRevoke, { id: 0x7an });
  await talk.say(unlock, { key: bytesFromLatin1("a/77") });
  await first.ended;
  await talk.say(LeaseService.leaseRevoke, { id: 0x78n });
  await second.ended;
  await talk.say(unlock, { key: bytesFromLatin1("a/79") });
  await lost.ended;
  await talk.say(unlock, { key: bytesFromLatin1("nothing") });
  await talk.say(unlock);
  await talk.say(lock, { name: bytesFromLatin1("a/b/"), lease: 0x77n });
  await talk.say(lock, { name: Uint8Array.of(0, 255, 47), lease: 0x77n });
}

/** Elections: leaders, candidates, what they proclaim, observers; what is refused. */
export async function talkOfElections(talk: ConcurrencyConversation): Promise<void> {
  const name = bytesFromLatin1("e");
  const { campaign, proclaim, resign, leader, observe } = ElectionService;
  const value = (text: string): Uint8Array => bytesFromLatin1(text);
  await talk.say(leader, { name });
  const early = talk.start(observe, { name }, "early observer");
  await talk.say(campaign, { name, lease: 0x77n, value: value("one") });
  await talk.untilNoted("early observer told");
  await talk.say(campaign, { name, lease: 0x77n, value: value("one") });
  await talk.say(campaign, { name, lease: 0x77n, value: value("two") });
  await talk.say(campaign, { name, lease: 12345n, value: value("x") });
  await talk.say(leader, { name });
  const first = talk.start(campaign, { name, lease: 0x79n, value: value("three") }, "candidate");
  await talk.untilKeys("e/", 2);
  const impatient = talk.start(campaign, { name, lease: 0x7bn, value: value("z") }, "impatient");
  await talk.untilKeys("e/", 3);
  impatient.cancel();
  await talk.untilKeys("e/", 2);
  const kv = (await talk.say(leader, { name }))?.kv;
  const proof: LeaderKey = {
    name,
    key: kv?.key ?? name,
    rev: kv?.createRevision ?? 0,
    lease: 0x77n,
  };
  await talk.say(proclaim);
  await talk.say(resign);
  await talk.say(proclaim, { leader: { ...proof, rev: 1 }, value: value("no") });
  await talk.say(proclaim, { leader: { ...proof, lease: 999n }, value: value("no") });
  await talk.say(resign, { leader: { ...proof, rev: 1 } });
  await talk.say(proclaim, { leader: proof, value: value("four") });
  await talk.untilNoted('"four"');
  early.cancel();
  await talk.say(resign, { leader: proof });
  await first.ended;
  await talk.say(resign, { leader: proof });
  await talk.say(campaign, { name: value("/"), lease: 0x77n });
  await talk.say(leader);
}
