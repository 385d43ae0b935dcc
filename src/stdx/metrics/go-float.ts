/**
 * A number as Go's strconv.FormatFloat writes it with the verb g: the shortest digits that are read back as the
 * same number, with an exponent of two digits at least from a million on and below a ten-thousandth.
 */
export function goFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-4 && size < 1e6)) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}
