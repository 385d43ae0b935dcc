/**
 * Ids of proposals: how the member that proposed an entry finds who waits for it when it is applied.
 *
 * ```
 * 63            48 47                                            0
 * | member suffix |  counter: starts at (unix ms mod 2^40) << 8  |
 * ```
 *
 * The two halves are kept as numbers, which are cheap; a bigint is made only for the wire. Two members
 * differ in the suffix, two lives of one member in the start of the counter.
 *
 * Source: etcd pkg/idutil/id.go.
 */
const COUNTER_BITS = 48n;
const COUNTER_LIMIT = 2 ** 48;
const SUFFIX_MASK = 0xffffn;
const MILLISECONDS_LIMIT = 2 ** 40;

export class RequestIds {
  /** Low 16 bits of the member id. */
  readonly suffix: number;
  readonly #start: number;
  #key: number;

  /** `wallMs`: Unix time in milliseconds at the start of the process. */
  constructor(memberId: bigint, wallMs: number) {
    this.suffix = Number(memberId & SUFFIX_MASK);
    this.#start = (Math.floor(wallMs) % MILLISECONDS_LIMIT) * 256;
    this.#key = this.#start;
  }

  /** A fresh key: the counter, but growing on where the 48 bits of the id wrap around. */
  next(): number {
    this.#key++;
    return this.#key;
  }

  /** The 64-bit id of a key. */
  idOf(key: number): bigint {
    return (BigInt(this.suffix) << COUNTER_BITS) | BigInt(key % COUNTER_LIMIT);
  }

  /** The key whose id has these low 48 bits. */
  keyOf(counter: number): number {
    return counter >= this.#start ? counter : counter + COUNTER_LIMIT;
  }

  /** The next id, big-endian. */
  nextAsBytes(): Uint8Array {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, this.idOf(this.next()));
    return bytes;
  }
}
