/**
 * Numbers for people: bytes in decimal units ("20 kB", "1.2 MB"), and how long ago something was.
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

/**
 * How long ago something was, in whole units: "now", "1 second ago", "5 minutes ago". Source:
 * dustin/go-humanize (Time), as far as a week.
 */
export function humanAgo(elapsedMs: number): string {
  const seconds = Math.floor(elapsedMs / 1000);
  if (seconds < 1) return "now";
  if (seconds < 60) return ago(seconds, "second");
  if (seconds < 3600) return ago(Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return ago(Math.floor(seconds / 3600), "hour");
  return ago(Math.floor(seconds / 86_400), "day");
}

function ago(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
}
