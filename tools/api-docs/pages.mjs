/** How pages look, as a plugin of typedoc: each says where it comes from, and each name the file that has it. */

/**
 * As much of typedoc as is used here.
 * @typedef {{ url: string, contents?: string }} Page
 * @typedef {{ kind: number, parent?: Reflection, sources?: unknown[] }} Reflection
 * @typedef {{
 *   renderer: { on(event: "endPage", run: (page: Page) => void): void },
 *   on(event: "validateProject", run: (project: { reflections: Record<string, Reflection> }) => void): void,
 * }} Application
 */

/** Kind of an entry of the package in typedoc's model. */
const MODULE = 2;

const HEADING = "<!-- Written by `npm run docs` from the docstrings in src/. -->";

/** Without the line, which changes with every line above it. */
const DEFINED_IN = /^Defined in: \[[^\]]*\]\(source:([^)]*)\)$/gm;

export function load(/** @type {Application} */ app) {
  app.on("validateProject", ({ reflections }) => {
    // Of what lies within something else, that one says it.
    for (const reflection of Object.values(reflections)) {
      const outer = reflection.parent?.kind === MODULE ? undefined : reflection.parent;
      if (outer !== undefined && outer.parent?.kind !== MODULE) delete reflection.sources;
      else if (outer !== undefined && !isFunction(outer)) delete reflection.sources;
    }
  });
  app.renderer.on("endPage", (page) => {
    const root = "../".repeat(page.url.split("/").length + 1);
    const text = (page.contents ?? "").replace(DEFINED_IN, `Source: [src/$1](${root}src/$1)`);
    page.contents = `${HEADING}\n\n${text}`;
  });
}

/** Functions are described by their signatures. */
function isFunction(/** @type {Reflection} */ { kind }) {
  return kind === 64;
}
