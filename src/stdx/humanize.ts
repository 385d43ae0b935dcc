/**
 * Byte counts for people, in decimal units: "20 kB", "1.2 MB".
 *
 * Source: dustin/go-humanize (Bytes), whose rounding etcd's tools show.
 */
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/** `count` bytes: exact below 10, one decimal while the number is below 10, none above. */
export function humanBytes(count: number): string {
  if (count < 10) return `${count} B`;
  const exponent = Math.min(Math.floor(Math.log(count) / Math.log(1000)), UNITS.length - 1);
  const value = Math.floor((count / 1000 ** exponent) * 10 + 0.5) / 10;
  return `${value < 10 ? value.toFixed(1) : goRoundedInteger(value)} ${UNITS[exponent]}`;
}

/** `%.0f`: halves go to the even neighbour. */
function goRoundedInteger(value: number): string {
  const floor = Math.floor(value);
  if (value - floor === 0.5) return String(floor % 2 === 0 ? floor : floor + 1);
  return String(Math.round(value));
}
