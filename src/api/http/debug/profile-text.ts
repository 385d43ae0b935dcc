/** A profile for people: the stacks with the largest values first. */
import type { StackProfile } from "../../../ports/profiler.ts";
import { PROFILE_TEXT_STACKS_MAX } from "../../limits.ts";
import type { ProfileTerms } from "./encode-profile.ts";

/** The text of a profile by this name. */
export function profileText(
  name: string,
  { nodes, samples }: StackProfile,
  { kinds, comment }: ProfileTerms,
): string {
  const measure = kinds.map((kind) => kind.join("/")).join(" ");
  const total = samples.reduce((sum, { values }) => sum + (values.at(-1) ?? 0), 0);
  const lines = [`${name} profile: total ${total} (${measure})`];
  if (comment !== undefined) lines.push(`# ${comment}`);
  const largest = samples.toSorted((a, b) => (b.values.at(-1) ?? 0) - (a.values.at(-1) ?? 0));
  for (const { node, line, values } of largest.slice(0, PROFILE_TEXT_STACKS_MAX)) {
    lines.push(`${values.join(" ")} @`);
    let atLine = line;
    for (let at = node; at >= 0; at = nodes[at].parent) {
      const { name: shown, file, line: start } = nodes[at];
      const place = file === "" ? "" : `\t${file}:${atLine === 0 ? start : atLine}`;
      if (shown !== "(root)") lines.push(`#\t${shown === "" ? "(anonymous)" : shown}${place}`);
      atLine = 0;
    }
    lines.push("");
  }
  return `${lines.join("\n")}\n`;
}
