/**
 * The tables of HPACK: the fixed one, and the one that a decoder builds from what it reads.
 *
 *   index  1 .. 61   static table
 *         62 .. ...  dynamic table, newest first
 *
 * Source: RFC 7541 sections 2.3, 4 and appendix A.
 */
import { HeaderField } from "./header-field.ts";

/** `name` or `name: value`, in the order of appendix A. */
const STATIC_LINES = `:authority
:method: GET
:method: POST
:path: /
:path: /index.html
:scheme: http
:scheme: https
:status: 200
:status: 204
:status: 206
:status: 304
:status: 400
:status: 404
:status: 500
accept-charset
accept-encoding: gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`;

/** Index 0 is unused, as in the protocol. */
export const STATIC_TABLE: readonly HeaderField[] = [
  HeaderField.from("", ""),
  ...STATIC_LINES.split("\n").map(staticField),
];

/** The first index of the dynamic table. */
export const DYNAMIC_INDEX_MIN: number = STATIC_TABLE.length;

/** A decoder's dynamic table: a ring of fields, newest at index 62. */
export class DecoderTable {
  /** Bytes the peer allowed itself by a size update; starts at what we announced. */
  #bytesMax: number;
  #bytes = 0;
  /** Capacity is a power of two. */
  #ring: (HeaderField | undefined)[] = new Array<HeaderField | undefined>(16).fill(undefined);
  #oldest = 0;
  #count = 0;
  /** Grows with every change: whoever remembers decoded blocks compares it. */
  changes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#count;
  }

  /** The field at an HPACK index of either table; `undefined` when there is none. */
  get(index: number): HeaderField | undefined {
    if (index < DYNAMIC_INDEX_MIN) return index === 0 ? undefined : STATIC_TABLE[index];
    const age = index - DYNAMIC_INDEX_MIN;
    if (age >= this.#count) return undefined;
    return this.#ring[(this.#oldest + this.#count - 1 - age) & (this.#ring.length - 1)];
  }

  /** Adds a field, evicting the oldest ones; one that is larger than the table empties it. */
  add(field: HeaderField): void {
    this.changes++;
    this.#evictTo(this.#bytesMax - field.size);
    if (field.size > this.#bytesMax) return;
    if (this.#count === this.#ring.length) this.#grow();
    this.#ring[(this.#oldest + this.#count) & (this.#ring.length - 1)] = field;
    this.#count++;
    this.#bytes += field.size;
  }

  setBytesMax(bytesMax: number): void {
    this.changes++;
    this.#bytesMax = bytesMax;
    this.#evictTo(bytesMax);
  }

  #evictTo(bytes: number): void {
    while (this.#count > 0 && this.#bytes > bytes) {
      const field = this.#ring[this.#oldest];
      if (field !== undefined) this.#bytes -= field.size;
      this.#ring[this.#oldest] = undefined;
      this.#oldest = (this.#oldest + 1) & (this.#ring.length - 1);
      this.#count--;
    }
  }

  #grow(): void {
    const grown = new Array<HeaderField | undefined>(2 * this.#ring.length).fill(undefined);
    for (let i = 0; i < this.#count; i++) {
      grown[i] = this.#ring[(this.#oldest + i) & (this.#ring.length - 1)];
    }
    this.#ring = grown;
    this.#oldest = 0;
  }
}

function staticField(line: string): HeaderField {
  const colon = line.indexOf(": ", 1);
  if (colon < 0) return HeaderField.from(line, "");
  return HeaderField.from(line.slice(0, colon), line.slice(colon + 2));
}
