/**
 * How members and clusters get their ids. All founding members compute the same ids from the same flags,
 * so that a cluster needs no coordinator to be born.
 *
 * Source: etcd server/etcdserver/api/membership (computeMemberId, genID).
 */
import { bytesFromUtf8, concatBytes } from "../stdx/bytes.ts";

/** SHA-1 of the input, 20 bytes; given by the caller, since digests are the platform's business. */
export type Sha1 = (bytes: Uint8Array) => Uint8Array;

/**
 * First 8 bytes, big-endian, of SHA-1(sorted peer URLs, joined, then the token, then the seconds).
 * A founding member passes the cluster token and no time; one that is added later an empty token and the
 * Unix time in seconds.
 */
export function computeMemberId(
  peerUrls: readonly string[],
  clusterToken: string,
  unixSeconds: number | undefined,
  sha1: Sha1,
): bigint {
  const time = unixSeconds === undefined ? "" : String(unixSeconds);
  return leadingId(sha1(bytesFromUtf8(peerUrls.toSorted().join("") + clusterToken + time)));
}

/** First 8 bytes, big-endian, of SHA-1(member ids ascending, 8 bytes big-endian each). */
export function computeClusterId(memberIds: readonly bigint[], sha1: Sha1): bigint {
  const ascending = memberIds.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return leadingId(sha1(concatBytes(ascending.map(idBytes))));
}

function leadingId(digest: Uint8Array): bigint {
  return new DataView(digest.buffer, digest.byteOffset).getBigUint64(0);
}

function idBytes(id: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, id);
  return bytes;
}
