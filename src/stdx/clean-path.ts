/**
 * Paths without detours, as Go cleans them: no empty or "." elements, ".." taken back where it can be, no
 * slash at the end; "." for nothing. Source: Go path/filepath (Clean).
 */
export function cleanPath(given: string): string {
  const isRooted = given.startsWith("/");
  const kept: string[] = [];
  for (const element of given.split("/")) {
    if (element === "" || element === ".") continue;
    const last = kept.at(-1);
    if (element !== "..") kept.push(element);
    else if (last !== undefined && last !== "..") kept.pop();
    else if (!isRooted) kept.push(element);
  }
  const joined = (isRooted ? "/" : "") + kept.join("/");
  return joined === "" ? "." : joined;
}
