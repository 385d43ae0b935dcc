/** Go writes a number with an exponent below the first of these, and from the second on. */
const PLAIN_EXPONENT_MIN = -4;
const PLAIN_EXPONENT_END = 6;

/**
 * A finite number as Go's verb %g writes it: the fewest digits that tell it from all others.
 *
 * Source: Go fmt (fmtFloat), strconv (FormatFloat).
 */
export function goFloat(value: number): string {
  const [digits, exponentText] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent >= PLAIN_EXPONENT_MIN && exponent < PLAIN_EXPONENT_END) return String(value);
  const sign = exponent < 0 ? "-" : "+";
  return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}
