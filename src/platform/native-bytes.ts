/** Node's native versions of the byte functions that `stdx/bytes.ts` lets the platform replace. */
import { Buffer } from "node:buffer";
import { installNativeBytes, type NativeBytes } from "../stdx/bytes.ts";

/** Buffer methods that work on any Uint8Array but are missing from Node's public types. */
interface RawBufferMethods {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
  latin1Write(this: Uint8Array, text: string, offset: number, length: number): number;
  utf8Slice(this: Uint8Array, start: number, end: number): string;
  utf8Write(this: Uint8Array, text: string, offset: number, length: number): number;
}

const raw = Buffer.prototype as unknown as RawBufferMethods;

/** Exported for the test that holds them against the plain versions. */
export const NODE_BYTES: NativeBytes = {
  compare: (a, b) => Buffer.compare(a, b),
  latin1FromBytes: (bytes, start, end) => raw.latin1Slice.call(bytes, start, end),
  bytesFromLatin1(text) {
    const bytes = new Uint8Array(text.length);
    raw.latin1Write.call(bytes, text, 0, bytes.length);
    return bytes;
  },
  utf8FromBytes: (bytes, start, end) => raw.utf8Slice.call(bytes, start, end),
  bytesFromUtf8(text) {
    const bytes = new Uint8Array(Buffer.byteLength(text));
    raw.utf8Write.call(bytes, text, 0, bytes.length);
    return bytes;
  },
};

/** Makes the whole process use them; called once, first thing in every program. */
export function installPlatformBytes(): void {
  installNativeBytes(NODE_BYTES);
}
