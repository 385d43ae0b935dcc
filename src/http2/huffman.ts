/**
 * The Huffman code of HPACK strings.
 *
 * The code is canonical: codes of equal length are consecutive numbers in the order of their symbols, and
 * a longer code starts where the shorter ones end. So the lengths are the whole definition. Decoding walks
 * a tree four bits at a time; as no code is shorter than five bits, four bits complete at most one symbol.
 *
 * Source: RFC 7541 section 5.2 and appendix B.
 */
import { assert } from "../stdx/assert.ts";
import { latin1FromBytes } from "../stdx/bytes.ts";

/** Bits of the code of each byte value; the 257th is the end-of-string symbol, which is never sent. */
const CODE_BITS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
  28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5,
  6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6,
  7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23,
  23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22,
  22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22,
  23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27,
  27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25,
  24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const SYMBOLS = 257;
const END_OF_STRING = 256;
const BITS_MAX = 30;
const BITS_MIN = 5;

/** Inner nodes of a full binary tree with 257 leaves. */
const NODES = SYMBOLS - 1;

const CODES = canonicalCodes();

// What four bits do in a node: bits 0-7 next node, 8-15 symbol, then the flags.
const STEP_EMITS = 1 << 16;
const STEP_FAILS = 1 << 17;
/** The string may end here: less than eight bits since the last symbol, all ones. */
const STEP_MAY_END = 1 << 18;

/** Not looked at yet: most programs see few strings, and working out all steps takes longer than those. */
const STEP_UNKNOWN = 1 << 19;
const STEP_IS_SPECIAL = STEP_EMITS | STEP_FAILS | STEP_UNKNOWN;

const LINKS = codeTree();
const MAY_END = endingNodes();

/** Index: node * 16 + bits. */
const STEPS = new Int32Array(NODES * 16).fill(STEP_UNKNOWN);

/** Decoded bytes on their way to a string; grown to the longest string seen. Holds nothing between calls. */
let scratch = new Uint8Array(256);

/** Decodes `bytes[start, end)`; `undefined` where RFC 7541 section 5.2 asks for a decoding error. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string | undefined {
  const symbolsMax = Math.ceil(((end - start) * 8) / BITS_MIN);
  if (scratch.length < symbolsMax) scratch = new Uint8Array(2 * symbolsMax);
  const into = scratch;
  let count = 0;
  let step = STEP_MAY_END;
  let at = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    at = ((step & 0xff) << 4) | (byte >> 4);
    step = STEPS[at];
    if ((step & STEP_IS_SPECIAL) !== 0) {
      if ((step & STEP_UNKNOWN) !== 0) step = learnStep(at);
      if ((step & STEP_FAILS) !== 0) return undefined;
      if ((step & STEP_EMITS) !== 0) into[count++] = (step >> 8) & 0xff;
    }
    at = ((step & 0xff) << 4) | (byte & 15);
    step = STEPS[at];
    if ((step & STEP_IS_SPECIAL) !== 0) {
      if ((step & STEP_UNKNOWN) !== 0) step = learnStep(at);
      if ((step & STEP_FAILS) !== 0) return undefined;
      if ((step & STEP_EMITS) !== 0) into[count++] = (step >> 8) & 0xff;
    }
  }
  return (step & STEP_MAY_END) === 0 ? undefined : latin1FromBytes(into, 0, count);
}

/** Bytes of the encoded form of `text`, whose characters are bytes (U+0000 to U+00FF). */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += CODE_BITS[text.charCodeAt(i) & 0xff];
  return (bits + 7) >> 3;
}

/** Writes the encoded form of `text` to `into` from `at`, where `huffmanLength` bytes must be free. */
export function writeHuffman(text: string, into: Uint8Array, at: number): number {
  let position = at;
  let pending = 0;
  let pendingBits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff;
    let bits = CODE_BITS[symbol];
    // At most seven bits wait here, so a code of up to 30 is fed in parts that keep within 31.
    while (bits > 0) {
      const part = bits > 16 ? 16 : bits;
      bits -= part;
      pending = (pending << part) | ((CODES[symbol] >>> bits) & ((1 << part) - 1));
      pendingBits += part;
      while (pendingBits >= 8) {
        pendingBits -= 8;
        into[position++] = pending >>> pendingBits;
      }
      pending &= (1 << pendingBits) - 1;
    }
  }
  // The rest of the last byte is the start of the end-of-string code: ones.
  if (pendingBits > 0) into[position++] = (pending << (8 - pendingBits)) | (0xff >> pendingBits);
  return position;
}

function canonicalCodes(): Int32Array {
  const ofLength = new Int32Array(BITS_MAX + 1);
  for (const bits of CODE_BITS) ofLength[bits]++;
  const next = new Int32Array(BITS_MAX + 1);
  for (let bits = 1; bits <= BITS_MAX; bits++) {
    next[bits] = 2 * (next[bits - 1] + ofLength[bits - 1]);
  }
  assert(next[BITS_MAX] + ofLength[BITS_MAX] === 2 ** BITS_MAX, "The code must be complete");
  return Int32Array.from(CODE_BITS, (bits) => next[bits]++);
}

/** The tree as pairs of links: an inner node's number, or `~symbol`. */
function codeTree(): Int32Array {
  const links = new Int32Array(2 * NODES);
  let nodes = 1;
  for (let symbol = 0; symbol < SYMBOLS; symbol++) {
    let node = 0;
    for (let bit = CODE_BITS[symbol] - 1; bit > 0; bit--) {
      const link = 2 * node + ((CODES[symbol] >>> bit) & 1);
      if (links[link] === 0) links[link] = nodes++;
      node = links[link];
    }
    links[2 * node + (CODES[symbol] & 1)] = ~symbol;
  }
  assert(nodes === NODES, "The tree must be full");
  return links;
}

/** The nodes in which a string may end: those that up to seven ones lead to. */
function endingNodes(): Uint8Array {
  const mayEnd = new Uint8Array(NODES);
  for (let node = 0, depth = 0; depth < 8; depth++, node = LINKS[2 * node + 1]) mayEnd[node] = 1;
  return mayEnd;
}

/** Works out the step at an index of `STEPS`, and keeps it there. */
function learnStep(at: number): number {
  let node = at >> 4;
  let flags = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const link = LINKS[2 * node + ((at >> bit) & 1)];
    if (link >= 0) {
      node = link;
    } else {
      flags |= ~link === END_OF_STRING ? STEP_FAILS : STEP_EMITS | (~link << 8);
      node = 0;
    }
  }
  if (MAY_END[node] === 1) flags |= STEP_MAY_END;
  STEPS[at] = flags | node;
  return STEPS[at];
}
