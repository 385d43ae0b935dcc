/** Bounds of the wire layer. */

/**
 * Messages inside messages that a decoder enters before it gives up, so that hostile input cannot exhaust
 * the stack. Room for the transactions in each other that etcd's default of 128 operations allows: each
 * level spends two, the entry of the log around the outermost one more. What a server takes into its log
 * must stay well below, or the log could not be read again: see `TXN_NESTING_MAX`.
 * Differs from etcd: its generated decoders have no bound, because Go's stacks grow.
 */
export const NESTING_DEPTH_MAX = 300;

/** Bytes of a varint of 64 bits, seven a byte. */
export const VARINT_BYTES_MAX = 10;

/**
 * Bytes of the memory block that encoded messages are cut from. Large enough that about 50 put requests of
 * 256 bytes share one allocation, small enough that one long-lived message does not pin much.
 */
export const SLAB_BYTES = 16 * 1024;

/**
 * Copies up to this many bytes go byte by byte: below it a call of `set` costs more than the loop
 * (bench/wire.mjs).
 */
export const COPY_LOOP_BYTES_MAX = 12;
