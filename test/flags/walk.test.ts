/**
 * Walks the list of the reference: each flag is read from the command line, from the environment and from a
 * configuration file, has its default, refuses a bad value in etcd's words, reaches the configuration, and is
 * exercised by a test that shows its effect, or stands on a published list: of flags without effect, or of
 * those that are refused.
 */
import * as fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parseConfigText } from "../../src/cmd/config-file/yaml-document.ts";
import { parseFlags } from "../../src/cmd/flag.ts";
import { FlagReading } from "../../src/cmd/flag-reading.ts";
import { readEnvironment, variableOf } from "../../src/cmd/server-environment.ts";
import { configFromFlags, type ServerConfig } from "../../src/server/config/config.ts";
import { applyConfigFile } from "../../src/server/config-file/apply-config-file.ts";
import { ConfigFileError } from "../../src/server/config-file/file-node.ts";
import { IGNORED_FLAGS, INERT_FLAGS } from "../../src/server/flags/inert-flags.ts";
import { REFUSED_FLAGS } from "../../src/server/flags/refused-flags.ts";
import {
  GATED_FLAGS,
  RENAMED_FLAGS,
  settleRenamedFlags,
} from "../../src/server/flags/renamed-flags.ts";
import {
  FLAG_NAMES,
  type FlagName,
  type FlagValues,
  initialFlagValues,
} from "../../src/server/flags/table.ts";
import { EVIDENCE } from "./evidence.ts";
import {
  FILE_DEFAULTS,
  OWN_FLAGS,
  REFERENCE_FLAGS,
  REFERENCE_IGNORED,
  type ReferenceFlag,
  type ReferenceType,
} from "./reference-list.ts";

const ROOT = path.join(import.meta.dirname, "../..");

interface Sample {
  /** On the command line and in the environment. */
  readonly text: string;
  readonly value: unknown;
  readonly yaml: string;
  /** Refused on the command line, and why; absent when every text is a value. */
  readonly bad?: readonly [text: string, reason: string];
  /** Refused in a file: what it is there, and the type it should have. */
  readonly badYaml?: readonly [yaml: string, met: string, type: string];
}

const count = (type: string): Sample => ({
  text: "77",
  value: 77,
  yaml: "77",
  bad: ["x", "parse error"],
  badYaml: ["abc", "string", type],
});

const enumOf = (value: string): Sample => ({
  text: value,
  value,
  yaml: value,
  bad: ["bogus", "invalid value"],
});

const SCHEME = "URL scheme must be http, https, unix, or unixs: foo";

const SAMPLES: Readonly<Record<Exclude<ReferenceType, "bool">, Sample>> = {
  int: count("int"),
  int64: count("int64"),
  uint: count("uint"),
  uint32: { ...count("uint32"), bad: ["x", 'strconv.ParseUint: parsing "x": invalid syntax'] },
  uint64: count("uint64"),
  duration: {
    text: "1m30s",
    value: 90_000,
    yaml: "90000000000",
    bad: ["5", "parse error"],
    badYaml: ["5m", "string", "time.Duration"],
  },
  string: { text: "sample", value: "sample", yaml: "sample", badYaml: ["[a]", "array", "string"] },
  list: {
    text: "b,a",
    value: ["b", "a"],
    yaml: "[b, a]",
    badYaml: ["abc", "string", "[]string"],
  },
  uniqueList: {
    text: "b,a,b",
    value: ["a", "b"],
    yaml: "[a, b]",
    badYaml: ["abc", "string", "[]string"],
  },
  hosts: { text: "b,a", value: ["a", "b"], yaml: '"b,a"', badYaml: ["[a]", "array", "string"] },
  origins: {
    text: "http://b:1,http://a:1",
    value: ["http://a:1", "http://b:1"],
    yaml: "http://b:1,http://a:1",
    bad: ["foo", SCHEME],
    badYaml: ["[a]", "array", "string"],
  },
  urls: {
    text: "http://127.0.0.1:2,http://127.0.0.1:1",
    value: ["http://127.0.0.1:1", "http://127.0.0.1:2"],
    yaml: "http://127.0.0.1:2,http://127.0.0.1:1",
    bad: ["foo", SCHEME],
    badYaml: ["1", "number", "string"],
  },
  gates: {
    text: "InitialCorruptCheck=true",
    value: [["InitialCorruptCheck", true]],
    yaml: "InitialCorruptCheck=true",
    bad: ["x", "missing bool value for x"],
    badYaml: ["[a]", "array", "string"],
  },
  stages: {
    text: "write-only",
    value: "write-only",
    yaml: "write-only",
    bad: ["bogus", 'invalid value "bogus"'],
    badYaml: ["[a]", "array", "config.V2DeprecationEnum"],
  },
  clusterState: enumOf("existing"),
  fallback: enumOf("exit"),
  proxyMode: enumOf("readonly"),
};

function sampleOf({ type, initial }: ReferenceFlag): Sample {
  if (type !== "bool") return SAMPLES[type];
  const value = initial !== true;
  return {
    text: String(value),
    value,
    yaml: String(value),
    bad: ["x", "parse error"],
    badYaml: ['"x"', "string", "bool"],
  };
}

/** A value as the list writes it. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return [...(value as Map<unknown, unknown>)];
  if (!Array.isArray(value)) return value;
  return (value as unknown[]).map((item) =>
    typeof item === "object" && item !== null && "text" in item ? item.text : item,
  );
}

const valueOf = (values: FlagValues, name: string): unknown => plain(values[name as FlagName]);

/** A file that says `yaml` under a path of keys. */
function fileWith(key: string, yaml: string): string {
  const keys = key.split(".");
  const lines = keys.map((name, depth) => `${"  ".repeat(depth)}${name}:`);
  return `${lines.join("\n")} ${yaml}\n`;
}

function readFile(text: string): {
  values: FlagValues;
  outcome: ReturnType<typeof applyConfigFile>;
} {
  const values = initialFlagValues();
  return { values, outcome: applyConfigFile(parseConfigText(text), values) };
}

/** The configuration when `flags` are given on the command line. */
function configOf(...flags: string[]): ServerConfig {
  const reading = new FlagReading();
  const parsed = parseFlags(flags, (name) => reading.targets.get(name));
  if (parsed.kind !== "parsed") throw new Error(`Cannot read ${flags.join(" ")}`);
  settleRenamedFlags(reading.values, parsed.given);
  return configFromFlags(reading.values, "info");
}

describe.each(REFERENCE_FLAGS.map((flag) => [flag.name, flag] as const))("--%s", (name, flag) => {
  const sample = sampleOf(flag);

  test("on the command line", () => {
    const reading = new FlagReading();
    const parse = (text: string): ReturnType<typeof parseFlags> =>
      parseFlags([`--${name}=${text}`], (each) => reading.targets.get(each));
    expect(valueOf(reading.values, name)).toEqual(flag.initial);
    expect(parse(sample.text)).toMatchObject({ kind: "parsed", given: new Set([name]) });
    expect(valueOf(reading.values, name)).toEqual(sample.value);
    if (sample.bad === undefined) return;
    const [text, reason] = sample.bad;
    const what = flag.type === "bool" ? "invalid boolean value" : "invalid value";
    const of = flag.type === "bool" ? "for" : "for flag";
    const message = `${what} "${text}" ${of} -${name}: ${reason}`;
    expect(parse(text)).toEqual({ kind: "refused", message });
  });

  test("in the environment", () => {
    const variable = `ETCD_${name.toUpperCase().replaceAll("-", "_")}`;
    expect(variableOf(name)).toBe(variable);
    const reading = new FlagReading();
    const read = (text: string): ReturnType<typeof readEnvironment> =>
      readEnvironment({ [variable]: text }, reading.targets, new Set());
    expect(read(sample.text)).toMatchObject({ given: new Set([name]), problem: undefined });
    expect(valueOf(reading.values, name)).toEqual(sample.value);
    if (sample.bad === undefined) return;
    const [text, reason] = sample.bad;
    expect(read(text).problem).toBe(`invalid value "${text}" for ${variable}: ${reason}`);
  });

  test("in a configuration file", () => {
    const { values: nothing } = readFile("");
    expect(valueOf(nothing, name)).toEqual(FILE_DEFAULTS[name] ?? flag.initial);
    if (flag.key === undefined) {
      const { outcome } = readFile(fileWith(name, sample.yaml));
      expect(outcome).toMatchObject({ unknown: [{ key: name, line: 1 }] });
      return;
    }
    const { values, outcome } = readFile(fileWith(flag.key, sample.yaml));
    expect(outcome).toMatchObject({ unknown: [], late: undefined });
    expect(valueOf(values, name)).toEqual(sample.value);
    if (sample.badYaml === undefined) return;
    const [yaml, met, type] = sample.badYaml;
    const bad = readFile(fileWith(flag.key, yaml)).outcome;
    const found = bad instanceof ConfigFileError || "code" in bad ? bad : bad.late;
    if (!(found instanceof ConfigFileError))
      throw new Error(`Not refused: ${JSON.stringify(found)}`);
    expect(found.message).toContain(`cannot unmarshal ${met} into Go struct field`);
    expect(found.message).toContain(`.${flag.key.split(".").at(-1)} of type ${type}`);
    expect(found.line).toBe(flag.key.split(".").length);
    expect(found.advice).toBeDefined();
  });

  test("has an effect that a test shows, or stands on a published list", () => {
    const published = INERT_FLAGS[name as FlagName] ?? REFUSED_FLAGS[name as FlagName]?.reason;
    const document = fs.readFileSync(path.join(ROOT, "docs/flags.md"), "utf8");
    if (published !== undefined) {
      expect(document).toContain(`| --${name} | ${published} |`);
      return;
    }
    expect(document).toContain(`| --${name} |`);
    const evidence = evidenceOf(name);
    if (evidence === undefined) throw new Error(`No test shows what --${name} does`);
    expectTest(evidence);
  });
});

/** A text that stands where the titles of tests and groups of tests do. */
const TITLE = /[([]\s*(["`])((?:(?!\1)[^\n\\]|\\.)+)\1,/g;

function expectTest([file, title, mention]: readonly [string, string, string]): void {
  expect(file).toMatch(/\.test\.ts$/);
  const text = fs.readFileSync(path.join(ROOT, file), "utf8");
  const titles = [...text.matchAll(TITLE)].map(([, , found]) => found);
  const isThere = titles.some((found) => found.includes(title));
  expect(isThere, `${file} has the test "${title}"`).toBe(true);
  expect(text, `${file} is about ${mention}`).toContain(mention);
}

/** Names of etcd 3.6 mean what the earlier ones mean; that is shown below. */
function evidenceOf(
  name: string,
): readonly [file: string, title: string, mention: string] | undefined {
  const pairs = Object.entries({ ...RENAMED_FLAGS });
  const others = pairs.flatMap(([earlier, newer]) =>
    earlier === name ? [newer] : newer === name ? [earlier] : [],
  );
  for (const each of [name, ...others]) {
    const found = EVIDENCE[each];
    if (found !== undefined) return [found[0], found[1], found[2] ?? each];
  }
  return undefined;
}

describe("all of them", () => {
  test("none is missing, and none is there that is not listed", () => {
    const listed = [...REFERENCE_FLAGS.map(({ name }) => name), ...OWN_FLAGS];
    expect([...FLAG_NAMES].sort()).toEqual(listed.sort());
    expect([...IGNORED_FLAGS].sort()).toEqual([...REFERENCE_IGNORED].sort());
    const known = new FlagReading().targets;
    for (const name of [...REFERENCE_IGNORED, "config-file", "version"]) {
      expect(known.has(name), name).toBe(true);
    }
  });

  test("our own have tests, too", () => {
    for (const name of OWN_FLAGS) {
      const evidence = evidenceOf(name);
      if (evidence === undefined) throw new Error(`No test shows what --${name} does`);
      expectTest(evidence);
    }
  });

  test("what has an effect reaches the configuration", () => {
    // Without it the options of the rotation mean nothing.
    const always = flagOf("enable-log-rotation");
    const before = JSON.stringify(configOf(always));
    for (const flag of REFERENCE_FLAGS) {
      const isElsewhere =
        flag.name in INERT_FLAGS || flag.name in REFUSED_FLAGS || NOT_IN_CONFIG.has(flag.name);
      if (isElsewhere) continue;
      const given = flagOf(flag.name, special(flag));
      const after = JSON.stringify(configOf(always, given));
      expect(after === before, flag.name).toBe(false);
    }
  });

  test.each(Object.entries(RENAMED_FLAGS))("--%s is --%s", (earlier, newer) => {
    const flag = REFERENCE_FLAGS.find(({ name }) => name === newer);
    const own = typeof initialFlagValues()[newer] === "number" ? SAMPLES.uint : SAMPLES.string;
    const { text } = flag === undefined ? own : sampleOf(flag);
    expect(configOf(`--${earlier}=${text}`)).toEqual(configOf(`--${newer}=${text}`));
  });

  test.each(Object.entries(GATED_FLAGS))("--%s is the feature %s", (flag, feature) => {
    for (const on of [true, false]) {
      expect(configOf(`--${flag}=${on}`)).toEqual(configOf(`--feature-gates=${feature}=${on}`));
    }
  });
});

function flagOf(name: string, text = "true"): string {
  return `--${name}=${text}`;
}

/** Read before there is a configuration. */
const NOT_IN_CONFIG: ReadonlySet<string> = new Set(["logger", "log-level"]);

/** A value that means something else than the default. */
function special(flag: ReferenceFlag): string {
  return VALUES[flag.name] ?? sampleOf(flag).text;
}

const VALUES: Readonly<Record<string, string>> = {
  "log-format": "console",
  "enable-log-rotation": "false",
  "log-rotation-config-json": '{"maxsize": 7}',
  "experimental-compact-hash-check-time": "7s",
};
