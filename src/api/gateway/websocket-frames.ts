/**
 * The frames of websocket, on the side of a server: bytes in, messages out, and the other way.
 *
 * ```
 *   byte 0      FIN, three reserved bits, four bits of opcode
 *   byte 1      MASK, seven bits of length; 126: two bytes of length follow, 127: eight
 *               four bytes of mask, always there in frames of a client
 * ```
 *
 * Source: RFC 6455, sections 5 and 7.4.
 */
import { concatBytes, EMPTY_BYTES } from "../../stdx/bytes.ts";

const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const CONTROL_BYTES_MAX = 125;

/** Reasons for which a connection is closed. */
export const CloseCode = { normal: 1000, protocolError: 1002, tooBig: 1009 } as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

export interface WebSocketEvents {
  /** A whole message, text or not. */
  onMessage(message: Uint8Array): void;
  onPing(payload: Uint8Array): void;
  /** The client closes, or breaks the rules: close with this code. Nothing comes after it. */
  onClose(code: CloseCode): void;
}

/** Reads what a client sends. */
export class WebSocketReader {
  readonly #events: WebSocketEvents;
  readonly #messageBytesMax: number;
  #bytes: Uint8Array = EMPTY_BYTES;
  /** Payloads of a message of which more frames follow; undefined between messages. */
  #pieces: Uint8Array[] | undefined;
  #piecesBytes = 0;
  #isOver = false;

  constructor(messageBytesMax: number, events: WebSocketEvents) {
    this.#messageBytesMax = messageBytesMax;
    this.#events = events;
  }

  receive(bytes: Uint8Array): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : concatBytes([this.#bytes, bytes]);
    while (!this.#isOver && this.#readFrame());
  }

  /** Handles one frame; false when it is not complete. */
  #readFrame(): boolean {
    const bytes = this.#bytes;
    if (bytes.length < 2) return false;
    const shortLength = bytes[1] & 0x7f;
    const headBytes = 2 + (shortLength === 127 ? 8 : shortLength === 126 ? 2 : 0) + 4;
    if (bytes.length < headBytes) return false;
    const length = payloadLength(bytes, shortLength);
    const opcode = bytes[0] & 0x0f;
    const isFinal = (bytes[0] & 0x80) !== 0;
    const isControl = opcode >= Opcode.close;
    const isLegal =
      (bytes[0] & 0x70) === 0 &&
      (bytes[1] & 0x80) !== 0 &&
      (!isControl || (isFinal && length <= CONTROL_BYTES_MAX));
    if (!isLegal) return this.#close(CloseCode.protocolError);
    if (this.#piecesBytes + length > this.#messageBytesMax) return this.#close(CloseCode.tooBig);
    if (bytes.length < headBytes + length) return false;
    const payload = unmasked(bytes, headBytes, length);
    this.#bytes = bytes.subarray(headBytes + length);
    return isControl ? this.#control(opcode, payload) : this.#data(opcode, isFinal, payload);
  }

  #control(opcode: number, payload: Uint8Array): boolean {
    if (opcode === Opcode.close) return this.#close(CloseCode.normal);
    if (opcode === Opcode.ping) this.#events.onPing(payload);
    else if (opcode !== Opcode.pong) return this.#close(CloseCode.protocolError);
    return true;
  }

  #data(opcode: number, isFinal: boolean, payload: Uint8Array): boolean {
    const isFirst = opcode === Opcode.text || opcode === Opcode.binary;
    const isExpected = isFirst
      ? this.#pieces === undefined
      : opcode === Opcode.continuation && this.#pieces !== undefined;
    if (!isExpected) return this.#close(CloseCode.protocolError);
    const pieces = this.#pieces ?? [];
    pieces.push(payload);
    this.#pieces = pieces;
    this.#piecesBytes += payload.length;
    if (!isFinal) return true;
    this.#pieces = undefined;
    this.#piecesBytes = 0;
    this.#events.onMessage(concatBytes(pieces));
    return true;
  }

  #close(code: CloseCode): false {
    this.#isOver = true;
    this.#bytes = EMPTY_BYTES;
    this.#pieces = undefined;
    this.#events.onClose(code);
    return false;
  }
}

/** A text message as one frame. */
export function textFrame(payload: Uint8Array): Uint8Array {
  return frame(Opcode.text, payload);
}

export function pongFrame(payload: Uint8Array): Uint8Array {
  return frame(Opcode.pong, payload);
}

export function closeFrame(code: CloseCode): Uint8Array {
  return frame(Opcode.close, Uint8Array.of(code >> 8, code & 0xff));
}

function frame(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const lengthBytes = length < 126 ? 0 : length < 0x1_0000 ? 2 : 8;
  const bytes = new Uint8Array(2 + lengthBytes + length);
  bytes[0] = 0x80 | opcode;
  bytes[1] = lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127;
  let rest = length;
  for (let at = 1 + lengthBytes; at >= 2; at--) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes.set(payload, 2 + lengthBytes);
  return bytes;
}

function payloadLength(bytes: Uint8Array, shortLength: number): number {
  if (shortLength < 126) return shortLength;
  let length = 0;
  const end = shortLength === 126 ? 4 : 10;
  for (let at = 2; at < end; at++) length = length * 256 + bytes[at];
  return length;
}

function unmasked(bytes: Uint8Array, at: number, length: number): Uint8Array {
  const payload = bytes.slice(at, at + length);
  for (let i = 0; i < length; i++) payload[i] ^= bytes[at - 4 + (i % 4)];
  return payload;
}
