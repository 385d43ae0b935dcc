/**
 * What counts of an encoded WatchResponse, without decoding the rest of it.
 *
 * Source: etcd api/etcdserverpb/rpc.proto (WatchResponse).
 */

/** Field numbers and wire types of WatchResponse, as they are in front of a field. */
const WATCH_ID_TAG = 0x10;
const CREATED_TAG = 0x18;
const CANCELED_TAG = 0x20;
const EVENT_TAG = 0x5a;

const WIRE_TYPE_BITS = 7;
const LENGTH_DELIMITED = 2;

/** The latest response that was read: one object for all of them. */
export class WatchScan {
  /** The low 32 bits: servers count from 0. */
  watchId = 0;
  isCreated = false;
  isCanceled = false;
  events = 0;

  /** Walks over the fields; ends where bytes end, also within a field. */
  read(bytes: Uint8Array): void {
    this.watchId = 0;
    this.isCreated = false;
    this.isCanceled = false;
    let events = 0;
    for (let at = 0; at < bytes.length; ) {
      const tag = bytes[at++];
      let value = 0;
      // Lengths, flags and small ids are of interest alone: high bits may be lost here.
      for (let shift = 0; at < bytes.length; shift += 7) {
        const byte = bytes[at++];
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      if (tag === EVENT_TAG) events++;
      else if (tag === WATCH_ID_TAG) this.watchId = value;
      else if (tag === CREATED_TAG) this.isCreated = value !== 0;
      else if (tag === CANCELED_TAG) this.isCanceled = value !== 0;
      if ((tag & WIRE_TYPE_BITS) === LENGTH_DELIMITED) at += Math.max(0, value);
    }
    this.events = events;
  }
}
