/**
 * PEM: binary blocks as text, with lines that say what is in them.
 *
 * Source: RFC 7468; Go encoding/pem, whose reader passes over everything that is no block.
 */
import { base64FromBytes, bytesFromBase64 } from "../stdx/base64.ts";

export interface PemBlock {
  /** What it holds, such as "CERTIFICATE". */
  readonly label: string;
  readonly bytes: Uint8Array;
}

const BLOCK = /-----BEGIN ([^\n-]+)-----[ \t]*\r?\n([^-]*)-----END \1-----/g;

/** Lines of the form "Name: value" before the content, which some tools write. */
const HEADERS = /^(?:[^\n:]+:[^\n]*\n)+\s*\n/;

/** All blocks of a text, in order; what is no block, or damaged, is passed over. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (const [, label, body] of text.matchAll(BLOCK)) {
    const bytes = bytesFromBase64(body.replace(HEADERS, "").replace(/[ \t\r\n]/g, ""));
    if (typeof bytes !== "number") blocks.push({ label, bytes });
  }
  return blocks;
}

/** The text of one block. */
export function pemText(label: string, bytes: Uint8Array): string {
  const lines = base64FromBytes(bytes).replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
