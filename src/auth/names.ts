/** Names of users and roles: text, in the order of its UTF-8 bytes, as etcd sorts and stores them. */

/** The user that must be there where authentication is on, and the role that may do everything. */
export const ROOT = "root";

/** Orders two names by their UTF-8 bytes; negative, zero or positive. */
export function compareNames(a: string, b: string): number {
  const common = Math.min(a.length, b.length);
  for (let at = 0; at < common; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rankOf(left) - rankOf(right);
  }
  return a.length - b.length;
}

/** In UTF-8, what takes two code units of a string comes after everything that takes one. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

/** `names` and one more, in order. */
export function withName(names: readonly string[], added: string): string[] {
  return [...names, added].sort(compareNames);
}
