/**
 * What the documents of the API must say beyond that there is a docstring, as a plugin of typedoc: what is a number says
 * its unit, what may be left out says what holds then, and what waits says how it fails.
 */

/**
 * As much of typedoc's model as is looked at here.
 * @typedef {{ kind: string, text: string }} Part
 * @typedef {{ summary: Part[], blockTags: { content: Part[] }[] }} Comment
 * @typedef {{ type: string, name?: string, types?: Type[] }} Type
 * @typedef {{
 *   name: string, kind: number, comment?: Comment, parent?: Reflection, type?: Type,
 *   flags: { isOptional: boolean, isExternal: boolean, isPrivate: boolean },
 *   getFullName(): string,
 * }} Reflection
 * @typedef {{
 *   on(event: "validateProject", run: (project: { reflections: Record<string, Reflection> }) => void): void,
 *   logger: { validationWarning(message: string): void },
 * }} Application
 */

/** Kinds of typedoc's model. */
const CLASS = 128;
const INTERFACE = 256;
const PROPERTY = 1024;
const CALL_SIGNATURE = 4096;

/** Words that say what a number counts, in its name or its docstring. */
const UNIT =
  /\b(?:ms|milliseconds?|seconds?|bytes?|bits?|ticks?|index|indexes|terms?|revisions?|versions?|pages?|entries|times|number|how (?:many|often|far|long)|most|count|id|code|status|share|position|size|operations?|members?|messages?|calls?|keys?|files?|days?|years?|streams?|percent|levels?|port|places?|largest|lines?|requests?|million|cost|another name|mebibytes?|megabytes?)\b/i;

/** Words that say what holds when something is left out. */
const FALLBACK =
  /\b(?:defaults?|absent|without|unless|otherwise|also|only|instead|none|nobody|else|empty|off|where|whether|when)\b/i;

/** Words that say how a call fails, or that it does not. */
const FAILURE = /\b(?:errors?|throws?|rejects?|never|waits?|resolves?)\b/i;

export function load(/** @type {Application} */ app) {
  app.on("validateProject", ({ reflections }) => {
    for (const reflection of Object.values(reflections)) {
      const { isExternal, isPrivate } = reflection.flags;
      if (isExternal || isPrivate || reflection.comment === undefined) continue;
      const missing = missingIn(reflection);
      if (missing !== undefined) {
        app.logger.validationWarning(`${reflection.getFullName()} ${missing}`);
      }
    }
  });
}

/** @returns {string | undefined} */
function missingIn(/** @type {Reflection} */ reflection) {
  const { kind, name, type, flags } = reflection;
  const text = textOf(reflection);
  if (kind === PROPERTY) {
    const words = name.replace(/([a-z])([A-Z])/g, "$1 $2");
    if (isNumber(type) && !UNIT.test(`${words} ${text} ${textOf(reflection.parent)}`)) {
      return "does not say what it counts";
    }
    if (flags.isOptional && isOption(reflection) && !isBoolean(type) && !FALLBACK.test(text)) {
      return "does not say what holds when it is left out";
    }
  }
  if (kind === CALL_SIGNATURE && type?.name === "Promise") {
    const about = [reflection, reflection.parent, reflection.parent?.parent].map(textOf).join(" ");
    if (!FAILURE.test(about)) return "does not say how it fails";
  }
  return undefined;
}

function textOf(/** @type {Reflection | undefined} */ reflection) {
  const { summary = [], blockTags = [] } = reflection?.comment ?? {};
  return [...summary, ...blockTags.flatMap(({ content }) => content)]
    .map(({ text }) => text)
    .join("");
}

/** @returns {boolean} */
function isNumber(/** @type {Type | undefined} */ type) {
  return type?.name === "number" || (type?.types?.some(isNumber) ?? false);
}

/** @returns {boolean} */
function isBoolean(/** @type {Type | undefined} */ type) {
  return type?.name === "boolean" || (type?.types?.some(isBoolean) ?? false);
}

function isOption(/** @type {Reflection} */ { parent }) {
  const isTyped = parent?.kind === INTERFACE || parent?.kind === CLASS;
  return isTyped && /(?:Options|Config|Bounds|Parts)$/.test(parent.name);
}
