/** The docstrings of a source file, for documents that are made of them. */
import * as fs from "node:fs";

/**
 * The docstring in front of each line that `name` finds a name in (its first group), as one line of text.
 * A name right below another, with no line between, has the docstring of that one.
 */
export function docstringsOf(file: string, name: RegExp): Map<string, string> {
  const found = new Map<string, string>();
  let text = "";
  let isInside = false;
  for (const line of fs.readFileSync(file, "utf8").split("\n")) {
    const trimmed = line.trim();
    if (trimmed.startsWith("/**")) {
      text = "";
      isInside = true;
    }
    if (isInside) {
      const words = trimmed.replace(/^\/?\*+\/?/, "").replace(/\*\/$/, "");
      text = `${text} ${words.trim()}`.trim();
      isInside = !trimmed.endsWith("*/");
    } else if (trimmed === "") {
      text = "";
    } else {
      const match = name.exec(line)?.[1];
      if (match !== undefined) found.set(match, text);
    }
  }
  return found;
}

/** Text that means the same in a cell of a table. */
export function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
