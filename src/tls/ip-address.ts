/**
 * IP addresses as bytes and as text.
 *
 * Source: Go net (ParseIP, IP.String, IP.Equal), RFC 5952.
 */

/** The 4 or 16 bytes of an address without brackets and zone; `undefined` for a text that is none. */
export function parseIp(text: string): Uint8Array | undefined {
  if (!text.includes(":")) return parseIpv4(text);
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0]);
  const tail = halves.length === 2 ? groupsOf(halves[1]) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  const bytes = Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail]);
  return isMappedIpv4(bytes) ? bytes.slice(12) : bytes;
}

/** Bytes of groups with colons between them, of which the last may be an IPv4 address. */
function groupsOf(text: string): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [at, group] of groups.entries()) {
    if (at === groups.length - 1 && group.includes(".")) {
      const last = parseIpv4(group);
      if (last === undefined) return undefined;
      bytes.push(...last);
      continue;
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    const value = Number.parseInt(group, 16);
    bytes.push(value >> 8, value & 0xff);
  }
  return bytes;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  const isPossible =
    parts.length === 4 &&
    parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256);
  return isPossible ? Uint8Array.from(parts.map(Number)) : undefined;
}

/** An IPv4 address in an IPv6 address: both are the same place. */
function isMappedIpv4(bytes: Uint8Array): boolean {
  return (
    bytes.length === 16 &&
    bytes.subarray(0, 10).every((byte) => byte === 0) &&
    bytes[10] === 0xff &&
    bytes[11] === 0xff
  );
}

/** The text of 4 or 16 bytes; other lengths as Go prints them, as "?" and hex digits. */
export function formatIp(bytes: Uint8Array): string {
  if (isMappedIpv4(bytes)) return formatIp(bytes.subarray(12));
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) {
    return `?${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  }
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push((bytes[at] * 256 + bytes[at + 1]).toString(16));
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

/** The first of the longest runs of zero groups. */
function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === "0") end++;
    if (end - start > longest.length) longest = { start, length: end - start };
    start = Math.max(start, end - 1);
  }
  return longest;
}
