/**
 * Conversations with etcdctl's watch and keep-alive, in an order in which each finds the cluster as the ones
 * before have left it: the first revision that they write is 2.
 */
import type { Conversation, Step } from "./etcdctl-conversation.ts";
import { LEASES_THERE } from "./etcdctl-fixed-lines.ts";

const E = "--endpoints={endpoint}";

const put = (key: string, value: string, ...flags: string[]): Step => ({
  run: ["put", ...flags, "--", key, value],
});
const del = (key: string): Step => ({ run: ["del", "--", key] });

/** Two puts and a deletion of `w`, and a put beside it. */
const CHANGES: readonly Step[] = [put("w", 'a "value"'), put("w", ""), put("w1", "x"), del("w")];

const FORMS = ["simple", "json", "fields", "protobuf"];

/** Forms whose answers end with a line break. */
const LINE_FORMS = ["simple", "json", "fields"];

/** Lines in which they show the changes of `w`, and with previous values. */
const CHANGE_LINES: ReadonlyMap<string, readonly [number, number]> = new Map([
  ["simple", [9, 13]],
  ["json", [3, 3]],
  ["fields", [33, 45]],
]);

/** A watch of the command line, ended when it has printed `lines` lines. */
function watch(name: string, args: readonly string[], lines: number): Conversation {
  return {
    name,
    args: [E, "watch", ...args],
    steps: [{ watchers: 1 }, ...CHANGES, { lines }],
    end: "SIGINT",
  };
}

const COMMAND_LINE: Conversation[] = [
  watch("a key", ["w"], 9),
  watch("a key in hex", ["w", "--hex"], 9),
  watch("previous values", ["w", "--prev-kv"], 13),
  watch("a prefix", ["w", "--prefix"], 12),
  watch("a range", ["w", "w2"], 12),
  watch("an open range", ["", "--prefix"], 12),
  watch("too many words", ["w", "w1", "w2"], 9),
  watch("an empty end", ["w", ""], 9),
  {
    name: "a revision of the past",
    args: [E, "watch", "w", "--rev=2"],
    steps: [{ watchers: 1 }, put("w", "the end of the past"), { text: "the end of the past" }],
    end: "SIGINT",
  },
  {
    name: "a revision of the past, json",
    args: [E, "watch", "w", "--rev=2", "--prev-kv", "-w", "json"],
    steps: [{ lines: 1 }],
    end: "SIGINT",
  },
  ...[...CHANGE_LINES].flatMap(([form, [plain, withPrevious]]) => [
    watch(`${form}, in hex`, ["w", "--hex", "-w", form], plain),
    watch(form, ["w", "--prev-kv", "-w", form], withPrevious),
  ]),
  ...["--prev-kv", "--hex"].map((flag) => ({
    name: `protobuf, with ${flag}`,
    args: [E, "watch", "w", "-w", "protobuf", flag],
    steps: [{ watchers: 1 }, ...CHANGES, put("w", "the end"), { text: "the end" }],
    end: "SIGINT" as const,
  })),
  { ...watch("a key, and SIGTERM", ["w"], 9), end: "SIGTERM" },
  {
    name: "a key of the environment",
    args: [E, "watch"],
    environment: { ETCDCTL_WATCH_KEY: "w", ETCDCTL_WATCH_RANGE_END: "w2" },
    steps: [{ watchers: 1 }, ...CHANGES, { lines: 12 }],
    end: "SIGINT",
  },
  {
    name: "a key, with an unknown variable",
    args: [E, "watch", "w"],
    environment: { ETCDCTL_WATCHED: "w", ETCDCTL_WATCH_KEY: "" },
    steps: [{ watchers: 1 }, ...CHANGES, { lines: 9 }],
    end: "SIGINT",
  },
  {
    name: "a table",
    args: [E, "watch", "w", "-w", "table"],
    steps: [{ watchers: 1 }, put("w", "x")],
  },
];

/** A watch with a program, `lines` of output in all; the program may end it. */
function program(
  name: string,
  words: readonly string[],
  lines: number,
  environment: Readonly<Record<string, string>> = {},
): Conversation {
  return {
    name: `a program: ${name}`,
    args: [E, "watch", ...words],
    environment,
    steps: [{ watchers: 1 }, ...CHANGES, { lines }],
    end: "SIGINT",
  };
}

/** A watch whose program fails at the first event. */
function failing(name: string, ...words: string[]): Conversation {
  return {
    name: `a program that fails: ${name}`,
    args: [E, "watch", "w", "--", ...words],
    steps: [{ watchers: 1 }, put("w", "x")],
  };
}

const SHOW = "env | grep -a ETCD_WATCH | sort";

const PROGRAMS: Conversation[] = [
  program("variables", ["w", "--", "sh", "-c", SHOW], 21),
  program("variables and prefix", ["--prefix", "w", "--", "sh", "-c", SHOW], 28),
  program("flags behind the key", ["w", "--prev-kv", "--", "echo", "a b", "-c", "--x"], 16),
  program("a range", ["w", "w2", "--", "echo", "hi"], 16),
  program("json", ["w", "-w", "json", "--", "echo", "hi"], 6),
  program("no input", ["w", "--", "cat"], 9),
  program("its name twice", ["w", "echo", "--", "echo", "echo", "x"], 12),
  program("key of the environment", ["--", "sh", "-c", SHOW], 21, { ETCDCTL_WATCH_KEY: "w" }),
  program("range of the environment", ["--", "echo", "hi"], 16, {
    ETCDCTL_WATCH_KEY: "w",
    ETCDCTL_WATCH_RANGE_END: "w2",
  }),
  failing("with a code", "sh", "-c", "exit 3"),
  failing("by a signal", "sh", "-c", "echo out; echo error >&2; kill $$"),
  failing("not found", "no-such-program", 'a "b"'),
  failing("no path", "/no/such/program"),
  failing("a folder", "./"),
  failing("not to be run", "/etc/passwd"),
  failing("no name", ""),
];

/** Interactive mode; after what is typed come the changes, and then the end of input. */
function interactive(
  name: string,
  typed: string,
  waits: readonly Step[],
  lines: number,
  environment: Readonly<Record<string, string>> = {},
): Conversation {
  return {
    name: `interactive: ${name}`,
    args: [E, "watch", "-i"],
    environment,
    steps: [{ type: typed }, ...waits, ...CHANGES, { lines }],
    end: "input",
  };
}

const one: readonly Step[] = [{ watchers: 1 }];

const INTERACTIVE: Conversation[] = [
  interactive("a key", "watch w\n", one, 9),
  interactive("quotes", 'watch "w"\n', one, 9),
  interactive("a prefix", "watch --prefix w\n", one, 12),
  {
    name: "interactive: flags",
    args: [E, "watch", "-i"],
    steps: [
      { type: "watch w --prev-kv --rev=2 -i\n" },
      { watchers: 1 },
      put("w", "the very end"),
      { text: "the very end" },
    ],
    end: "input",
  },
  interactive("a program", "watch w -- echo hi\n", one, 12),
  interactive("key of the environment", "watch\n", one, 9, { ETCDCTL_WATCH_KEY: "w" }),
  interactive("range of the environment", "watch -- echo hi\n", one, 16, {
    ETCDCTL_WATCH_KEY: "w",
    ETCDCTL_WATCH_RANGE_END: "w2",
  }),
  interactive("mistakes before", "foo\nwatch\n\nwatch a b --prefix\nwatch w\n", one, 9),
  interactive("a line in two parts", "wat", [{ type: "ch w\n" }, { watchers: 1 }], 9),
  {
    name: "interactive: a program that fails",
    args: [E, "watch", "-i"],
    steps: [{ type: "watch w -- false\n" }, { watchers: 1 }, put("w", "")],
  },
  {
    name: "interactive: a table",
    args: [E, "watch", "-i", "-w", "table"],
    steps: [{ type: "watch w\n" }, { watchers: 1 }, put("w", "")],
  },
  ...LINE_FORMS.concat("table").map((form) => refused(form)),
  {
    name: "interactive: an empty range, by a program's name",
    args: [E, "watch", "-i"],
    steps: [{ type: "watch echo echo -- echo\n" }, { errors: 1 }],
    end: "input",
  },
  ...LINE_FORMS.map((form) => progress(form)),
  {
    name: "interactive: progress, protobuf",
    args: [E, "watch", "-i", "-w", "protobuf"],
    steps: [
      { type: "watch w\n" },
      { watchers: 1 },
      { type: "progress\n" },
      { lines: 1 },
      put("w", "the end"),
      { text: "the end" },
    ],
    end: "input",
  },
  {
    name: "interactive: two watches of different keys",
    args: [E, "watch", "-i"],
    steps: [
      { type: "watch w\nwatch v\n" },
      { watchers: 2 },
      put("v", "1"),
      { lines: 3 },
      put("w", "2"),
      { lines: 6 },
      { type: "watch u\n" },
      { watchers: 3 },
      put("u", "3"),
      { lines: 9 },
    ],
    end: "SIGINT",
  },
];

/** The end of a watch, whole: the reason on the error stream, and then the answer. */
function endShown(form: string): Step[] {
  return [{ errors: 1 }, { lines: form === "fields" ? 4 : form === "json" ? 1 : 0 }];
}

/** A watch that the server refuses. */
function refused(form: string): Conversation {
  const name = `interactive: an empty range, ${form}`;
  const args = [E, "watch", "-i", "-w", form];
  const line = { type: "watch b a\n" };
  if (form === "table") return { name, args, steps: [line] };
  return { name, args, steps: [line, ...endShown(form), { type: "foo\n" }], end: "input" };
}

/** Progress requested before and after events. */
function progress(form: string): Conversation {
  const each = form === "fields" ? 5 : form === "json" ? 2 : 1;
  const event = form === "fields" ? 11 : form === "simple" ? 3 : 1;
  return {
    name: `interactive: progress, ${form}`,
    args: [E, "watch", "-i", "-w", form],
    steps: [
      { type: "watch w\n" },
      { watchers: 1 },
      { type: "progress\n" },
      { lines: each },
      put("w", "x"),
      { lines: each + event },
      { type: "progress and more words\n" },
      { lines: 2 * each + event },
    ],
    end: "input",
  };
}

/** A lease whose second renewal is seen, and which is then revoked. */
function keepAlive(form: string, leaseAt: number, ...flags: string[]): Conversation {
  const id = LEASES_THERE[leaseAt][0].toString(16);
  const each = form === "fields" ? 6 : form === "protobuf" ? 0 : 1;
  return {
    name: `keep-alive, ${form}`,
    args: [E, "lease", "keep-alive", id, "-w", form, ...flags],
    steps: [{ lines: 2 * each }, { run: ["lease", "revoke", id] }],
  };
}

/** For a cluster that has leases of three seconds in the place of the usual ones. */
export const KEEP_ALIVES: readonly Conversation[] = [
  keepAlive("simple", 0),
  keepAlive("json", 1, "--hex"),
  keepAlive("fields", 2),
  {
    name: "keep-alive, interrupted",
    args: [E, "lease", "keep-alive", "4"],
    steps: [{ lines: 2 }],
    end: "SIGINT",
  },
];

/** Mirrors of one prefix at another one of the same cluster; the destinations are compared afterwards. */
export const MIRRORS: readonly Conversation[] = [
  {
    name: "a prefix at another one",
    args: [E, "make-mirror", "{endpoint}", "--prefix=from/", "--dest-prefix=to/from/"],
    steps: [
      { key: "to/from/2" },
      put("from/3", "three"),
      del("from/1"),
      { run: ["del", "from/", "--prefix"] },
      put("from/4", "four"),
      { key: "to/from/4" },
    ],
    end: "SIGINT",
  },
  {
    name: "a prefix at the root",
    args: [E, "make-mirror", "http://{endpoint}", "--prefix=from/", "--no-dest-prefix"],
    steps: [{ key: "4" }, put("from/from/5", ""), { key: "from/5" }, { key: "5" }],
    end: "SIGTERM",
  },
];

/** Keys that the mirrors begin with. */
export const MIRRORED: readonly (readonly string[])[] = [
  ["put", "from/1", "one"],
  ["put", "from/2", ""],
  ["put", "from/2", "two"],
  ["put", "fron/1", "beside"],
];

/** What is compacted away by the first of these is asked for by the others. */
const COMPACTED: readonly Conversation[] = [
  { name: "a revision that never was", args: [E, "watch", "w", "--rev=-3"], steps: [] },
  ...FORMS.concat("table").map((form) => ({
    name: `a compacted revision, ${form}`,
    args: [E, "watch", "w", "--rev=3", "-w", form],
    steps: [],
  })),
  ...LINE_FORMS.map((form) => ({
    name: `interactive: a compacted revision, ${form}`,
    args: [E, "watch", "-i", "-w", form],
    steps: [{ type: "watch w --rev=3\n" }, ...endShown(form)],
    end: "input" as const,
  })),
];

export const CONVERSATIONS: readonly Conversation[] = [
  ...COMMAND_LINE,
  ...PROGRAMS,
  ...INTERACTIVE,
  {
    name: "a watch that goes on over a compaction",
    args: [E, "watch", "w"],
    steps: [
      { watchers: 1 },
      ...CHANGES,
      { lines: 9 },
      { run: ["compaction", "100"] },
      put("w", ""),
      { lines: 12 },
    ],
    end: "SIGINT",
  },
  ...COMPACTED,
];
