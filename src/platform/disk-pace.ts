/**
 * The rule that lets a small durable write run on the event loop instead of in the thread pool.
 *
 * Why: on a fast device the two hand-overs to and from a pool thread cost as much as the device. 320 bytes,
 * O_DSYNC, ext4 on a virtual NVMe, Node 20, two cores: 0.083 ms and 37 us of CPU on the loop, 0.123 ms and
 * 71 us through the pool. A quiet member answers one client that much sooner.
 *
 * Why not always: the loop stands still meanwhile. So it is allowed only where the wait is short and nobody
 * else loses by it: few bytes (a large batch means that more requests are coming in), nothing else under way
 * on the disk, and a device that has lately been fast on average; single outliers cost the request as much in
 * the pool. A stall while the loop waited sends all writes to the pool, each time for longer, so that a device
 * with regular stalls stays there.
 */

/** Larger writes go to the pool. About a dozen small puts. */
export const BLOCKING_BYTES_MAX = 4096;

/** The average wait up to which the loop may wait: above local flash, below disks and network storage. */
export const BLOCKING_AVERAGE_MS_MAX = 0.25;

/** A wait that other requests notice: several times what one turn of a busy loop takes. */
export const STALL_MS = 5;

/** Weight of one more write in the average: the last thirty or so count. */
const AVERAGE_WEIGHT = 1 / 32;

/** Before anything is known the device counts as slow. */
const AVERAGE_MS_START = 4 * BLOCKING_AVERAGE_MS_MAX;

/** Writes that go to the pool after a stall, the factor for each further stall, and the bound. */
const PENALTY_WRITES = 64;
const PENALTY_GROWTH = 8;
const PENALTY_WRITES_MAX = 32_768;

/** After so many writes without a stall the penalty is back at its start. */
const FORGIVE_WRITES = 65_536;

export class DiskPace {
  #averageMs = AVERAGE_MS_START;
  #poolWritesDue = 0;
  #penalty = PENALTY_WRITES;
  #writesSinceStall = 0;

  /** Whether a durable write of `bytes` may run on the event loop now. */
  mayBlock(bytes: number, operationsUnderWay: number): boolean {
    return (
      this.isTelling(bytes) &&
      operationsUnderWay === 0 &&
      this.#poolWritesDue === 0 &&
      this.#averageMs <= BLOCKING_AVERAGE_MS_MAX
    );
  }

  /** Whether the time that a write of `bytes` takes tells how long a small one would take. */
  isTelling(bytes: number): boolean {
    return bytes <= BLOCKING_BYTES_MAX;
  }

  /** Takes in how long a telling durable write took, and whether the event loop waited for it. */
  observe(elapsedMs: number, blocked: boolean): void {
    this.#averageMs += (elapsedMs - this.#averageMs) * AVERAGE_WEIGHT;
    if (this.#poolWritesDue > 0) this.#poolWritesDue--;
    this.#writesSinceStall++;
    if (this.#writesSinceStall >= FORGIVE_WRITES) this.#penalty = PENALTY_WRITES;
    if (elapsedMs < STALL_MS || !blocked) return;
    this.#poolWritesDue = this.#penalty;
    this.#penalty = Math.min(this.#penalty * PENALTY_GROWTH, PENALTY_WRITES_MAX);
    this.#writesSinceStall = 0;
  }
}
