/** Ids of members and clusters as text. Source: etcd client/pkg/types (ID). */

const HEX_ID = /^[0-9a-fA-F]{1,16}$/;

/** In hexadecimal without leading zeros. */
export function formatId(id: bigint): string {
  return id.toString(16);
}

/** Reads an id; `undefined` for what is none. */
export function parseId(text: string): bigint | undefined {
  return HEX_ID.test(text) ? BigInt(`0x${text}`) : undefined;
}
