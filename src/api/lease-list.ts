/**
 * LeaseLeases: the ids of all leases, those that expire first at the front. A long list is made in slices
 * beside the requests; calls that come while one is made get the next one, together.
 *
 * Source: etcd server/etcdserver/v3_server.go (LeaseLeases; 3.5).
 */
import type { GrpcServerCall } from "../http2/grpc-server-types.ts";
import type { Lease } from "../lease/lease.ts";
import { concatBytes } from "../stdx/bytes.ts";
import { type HeapEntry, MinHeap, NOT_IN_HEAP } from "../stdx/heap.ts";
import {
  createLeaseLeasesResponse,
  createLeaseStatus,
  encodeLeaseLeasesResponse,
} from "../wire/gen/rpc.ts";
import { type BackgroundTask, headerAt, type LeaseContext } from "./context.ts";
import { LEASES_PER_SLICE } from "./limits.ts";

/** A lease as the list needs it; its rank is its expiry when it was seen. */
interface Listed extends HeapEntry {
  readonly id: bigint;
}

/** A list in the making: first all leases are put in order, then they are taken out and marshalled. */
class Listing {
  readonly #leases: Iterator<Lease, undefined>;
  readonly #byExpiry = new MinHeap<Listed>();
  /** Marshalled parts of the answer: parts of one message, one after the other, are the message. */
  readonly #parts: Uint8Array[];
  #isSeen = false;

  constructor(context: LeaseContext) {
    const { lessor, store } = context.member.applier;
    this.#leases = lessor.leases();
    this.#parts = [marshal({ header: headerAt(context, store.revision) })];
  }

  /** Does so much work; the answer when it is complete. */
  step(leases: number): Uint8Array | undefined {
    if (!this.#isSeen) {
      this.#see(leases);
      return undefined;
    }
    this.#take(leases);
    return this.#byExpiry.size === 0 ? concatBytes(this.#parts) : undefined;
  }

  #see(leases: number): void {
    for (let seen = 0; seen < leases; seen++) {
      const next = this.#leases.next();
      if (next.done === true) {
        this.#isSeen = true;
        return;
      }
      const { id, expiryMs } = next.value;
      this.#byExpiry.add({ id, rank: expiryMs, place: NOT_IN_HEAP });
    }
  }

  #take(max: number): void {
    const leases = [];
    for (let first = this.#byExpiry.top; first !== undefined; first = this.#byExpiry.top) {
      if (leases.length === max) break;
      this.#byExpiry.remove(first);
      leases.push(createLeaseStatus({ id: first.id }));
    }
    this.#parts.push(marshal({ leases }));
  }
}

function marshal(part: Parameters<typeof createLeaseLeasesResponse>[0]): Uint8Array {
  return encodeLeaseLeasesResponse(createLeaseLeasesResponse(part));
}

/** Answers LeaseLeases calls. One for all calls. */
export class LeaseLister implements BackgroundTask {
  readonly #context: LeaseContext;
  readonly #perSlice: number;
  #listing: Listing | undefined;
  /** Who gets the list that is being made. */
  #callers: GrpcServerCall[] = [];
  /** Who came since it was begun: it may lack what they know of. */
  #waiting: GrpcServerCall[] = [];

  constructor(context: LeaseContext, perSlice: number = LEASES_PER_SLICE) {
    this.#context = context;
    this.#perSlice = perSlice;
  }

  /** Answers a call, at once where the list is short. */
  list(call: GrpcServerCall): void {
    if (this.#context.member.applier.lessor.size <= this.#perSlice) {
      const listing = new Listing(this.#context);
      let answer: Uint8Array | undefined;
      while (answer === undefined) answer = listing.step(this.#perSlice + 1);
      call.sendUnary(answer);
      return;
    }
    this.#waiting.push(call);
    if (this.#listing !== undefined) return;
    this.#begin();
    this.#context.backups.runInSlices(this);
  }

  /** One slice; whether there is more to do. */
  step(): boolean {
    const answer = this.#listing?.step(this.#perSlice);
    if (answer === undefined) return true;
    for (const call of this.#callers) call.sendUnary(answer);
    if (this.#waiting.length > 0) this.#begin();
    else this.#listing = undefined;
    return this.#listing !== undefined;
  }

  #begin(): void {
    this.#callers = this.#waiting.filter(({ open }) => open);
    this.#waiting = [];
    this.#listing = new Listing(this.#context);
  }
}
