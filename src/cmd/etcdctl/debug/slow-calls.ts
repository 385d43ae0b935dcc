/**
 * Which kinds of calls took long lately, by the page /debug/requests. Of the page nothing is taken but the names of
 * the services: its traces may hold keys.
 *
 * Source: golang.org/x/net/trace (the table of the page).
 */

/** Kinds of calls of which there were some of a second or longer. `page` is ordinary text. */
export function slowCallsOf(page: string): string[] {
  // The real page has links only where there are calls, and marks the rest; ours tells how many there are.
  const marksEmpty = page.includes("empty");
  const rows = page.split('class="family">').slice(1);
  return rows.flatMap((row) => {
    const family = /^[\w.]+/.exec(row)?.[0] ?? "";
    const cells = [...row.matchAll(/(<a [^>]*>)?\s*\[≥(\d+)s(?: (\d+))?\]/g)];
    const isSlow = cells.some(([, link, seconds, count]) => {
      const hasCalls = marksEmpty ? link !== undefined : Number(count ?? 0) > 0;
      return Number(seconds) >= 1 && hasCalls;
    });
    return isSlow ? [family] : [];
  });
}
