/**
 * What a reader of README.md does, in order. In ```console blocks, lines that begin with "$ " are commands (a here
 * document goes on to its end), and what follows is what they print; "…" is explained in guide-runner.ts. Comments
 * right before a block say where it is done, when that is not the terminal of the reader:
 *
 *   <!-- clone -->           in a clone of the repository, on a machine with a compiler
 *   <!-- terminal NAME -->   in a terminal of its own, which the last command keeps; with ", later" behind the name,
 *                            it prints what the page shows while the reader goes on
 *   <!-- file NAME -->       the block is the content of a file
 *
 * and <!-- Ctrl-C NAME --> is a key pressed in such a terminal.
 */
export interface ReadmeCommand {
  readonly text: string;
  /** What it prints; `undefined` where the page does not show that. */
  readonly expected: string | undefined;
}

/** Where commands are typed: "" is the terminal of the reader, "clone" the repository, others are terminals by name. */
export interface CommandStep {
  readonly kind: "commands";
  readonly place: string;
  /** Whether what they print comes while the reader goes on. */
  readonly isLater: boolean;
  readonly commands: readonly ReadmeCommand[];
}

export type ReadmeStep = { readonly line: number } & (
  | CommandStep
  | { readonly kind: "file"; readonly name: string; readonly content: string }
  | { readonly kind: "interrupt"; readonly terminal: string }
);

const NOTE = String.raw`<!-- (clone|terminal|file|Ctrl-C) ?([^ ,]*)(, later)? -->\n`;
const STEP = new RegExp(`^(?:${NOTE})?(?:\`\`\`(\\w+)\\n([\\s\\S]*?)^\`\`\`\\n)?`, "gm");

/** All steps of a page. Other blocks are left to `shellLines`. */
export function readmeSteps(markdown: string): ReadmeStep[] {
  const steps: ReadmeStep[] = [];
  for (const match of markdown.matchAll(STEP)) {
    const [, note, name = "", later, language, content = ""] = match;
    const line = markdown.slice(0, match.index).split("\n").length;
    if (note === "Ctrl-C") steps.push({ kind: "interrupt", terminal: name, line });
    else if (note === "file") steps.push({ kind: "file", name, content, line });
    else if (language === "console") {
      const place = note === "clone" ? "clone" : name;
      const isLater = later !== undefined;
      steps.push({ kind: "commands", place, isLater, commands: commandsOf(content), line });
    }
  }
  return steps;
}

/** Commands in ```sh blocks, without their comments. */
export function shellLines(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```sh\n([\s\S]*?)^```\n/gm)];
  return blocks
    .flatMap(([, lines]) => lines.trimEnd().split("\n"))
    .map((line) => line.replace(/ +#.*$/, ""));
}

function commandsOf(block: string): ReadmeCommand[] {
  const lines = block.split("\n").slice(0, -1);
  const commands: ReadmeCommand[] = [];
  let at = 0;
  while (at < lines.length) {
    const first = lines[at++];
    if (!first.startsWith("$ ")) throw new Error(`"${first}" is not a command`);
    const text = [first.slice(2)];
    const mark = /<<'(\w+)'/.exec(first)?.[1];
    while (mark !== undefined && text.at(-1) !== mark) text.push(lines[at++]);
    const expected: string[] = [];
    while (at < lines.length && !lines[at].startsWith("$ ")) expected.push(lines[at++]);
    commands.push({
      text: text.join("\n"),
      expected: expected.length === 0 ? undefined : expected.join("\n"),
    });
  }
  return commands;
}
