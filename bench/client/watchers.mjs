/** Watchers in thousands, and how many events a watch response holds without decoding it. */
import { describeStatus } from "./connection.mjs";
import { WATCH, watchBody } from "./bodies.mjs";
import { die } from "./report.mjs";

/** Tags of WatchResponse. */
const CREATED = 0x18;
const CANCELED = 0x20;
const EVENTS = 0x5a;

const found = { created: false, canceled: false, events: 0 };

/** Walks over the fields of a WatchResponse. The answer is valid until the next call. */
export function scanWatchResponse(bytes) {
  found.created = false;
  found.canceled = false;
  found.events = 0;
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at++];
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      // Only lengths and flags are of interest; an id may lose its high bits here.
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (tag === EVENTS) found.events++;
    else if (tag === CREATED) found.created = value !== 0;
    else if (tag === CANCELED) found.canceled = value !== 0;
    if ((tag & 7) === 2) at += value;
  }
  return found;
}

/** Watch streams spread over connections, and the watchers on them. */
export class Watchers {
  #calls;
  #created = 0;
  #wanted = 0;
  #onAllCreated = () => {};

  /** @param {(events: number) => void} onEvents called for each response with events */
  constructor(connections, streams, onEvents) {
    const handlers = {
      onMessage: (_call, message) => {
        const { created, canceled, events } = scanWatchResponse(message);
        if (canceled) die("a watcher was cancelled");
        if (events > 0) onEvents(events);
        else if (created && ++this.#created === this.#wanted) this.#onAllCreated();
      },
      onStatus: (_call, status) => die(`a watch stream ended: ${describeStatus(status)}`),
    };
    this.#calls = Array.from({ length: streams }, (_, index) =>
      connections[index % connections.length].stream(WATCH, handlers),
    );
  }

  /** Adds a watcher for each of `ranges` (`{ key, rangeEnd? }`), on the streams in turn. */
  async add(ranges) {
    this.#wanted = this.#created + ranges.length;
    const all = new Promise((resolve) => (this.#onAllCreated = resolve));
    const same = ranges.every((range) => range === ranges[0]);
    const shared = same ? watchBody(ranges[0].key, ranges[0].rangeEnd) : undefined;
    for (const [index, { key, rangeEnd }] of ranges.entries()) {
      const call = this.#calls[index % this.#calls.length];
      call.sendMessage(shared ?? watchBody(key, rangeEnd));
    }
    await all;
  }
}
