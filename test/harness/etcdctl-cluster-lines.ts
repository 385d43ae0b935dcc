/**
 * Command lines that change a cluster of three and look at it, in order: each finds the cluster as the ones
 * before have left it. `{all}`, `{e1}` … stand for endpoints, `{m1}` … for ids of the founders, `{new}` for the
 * id of the member that is there beside them.
 */
const ALL = "--endpoints={all}";

/** The member that leads at first: the tool asks any of several, and answers tell which. */
const E = "--endpoints={e1}";

/** Nobody listens there. */
const NEW_URLS = ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"];

const forms = (...words: string[]): string[][] =>
  ["simple", "json", "table", "fields"].map((form) => [E, ...words, "-w", form]);

const add = (name: string, url: string, ...more: string[]): string[] => [
  ...[E, "member", "add", name, `--peer-urls=${url}`],
  ...more,
];

export const CLUSTER_LINES: readonly (readonly string[])[] = [
  ...forms("member", "list"),
  [E, "member", "list", "--hex", "-w", "json"],
  ...["status", "health", "hashkv"].flatMap((command) => [
    ...forms("endpoint", command, "--cluster"),
    ["--endpoints={e2}", "endpoint", command, "--cluster"],
  ]),
  // Words that are not enough, or too many.
  [E, "member", "add"],
  [E, "member", "add", "n1"],
  [E, "member", "add", "n1", NEW_URLS[0]],
  [E, "member", "add", "n1", "x", "HTTP://a"],
  ...["", "x", "http://a", "http://a:1/b", "ftp://a:1", "http://a:1,,"].map((url) =>
    add("n1", url),
  ),
  ...["remove", "update", "promote"].flatMap((command) => [
    [E, "member", command],
    [E, "member", command, "1", "2"],
    [E, "member", command, "xyz", "--peer-urls=http://a:1"].slice(0, command === "update" ? 5 : 4),
    [E, "member", command, "10000000000000000"],
  ]),
  [E, "member", "update", "1"],
  // Nobody has these.
  [E, "member", "remove", "1"],
  [E, "member", "update", "1", `--peer-urls=${NEW_URLS[0]}`],
  [E, "member", "promote", "1"],
  ["--endpoints={e3}", "member", "promote", "1"],
  // A learner that never starts.
  add("n1", NEW_URLS[0], "--learner"),
  ...forms("member", "list"),
  add("n2", `${NEW_URLS[0]},${NEW_URLS[1]}`),
  add("n2", NEW_URLS[1], "--learner"),
  [E, "member", "promote", "{new}"],
  ["--endpoints={e2}", "member", "promote", "{new}"],
  [E, "member", "promote", "{m2}"],
  [E, "member", "remove", "{new}", "-w", "json"],
  [E, "member", "remove", "{new}"],
  // A voter that never starts. Whether another may come then is not asked: 3.5.30 lets it, 3.5.16 does not.
  add("n3", `${NEW_URLS[2]},${NEW_URLS[1]}`, "-w", "json"),
  [E, "member", "list"],
  [E, "member", "update", "{new}", `--peer-urls=${NEW_URLS[2]}`],
  [E, "member", "update", "{new}", `--peer-urls=${NEW_URLS[2]},${NEW_URLS[0]}`, "-w", "json"],
  [E, "member", "update", "{m1}", `--peer-urls=${NEW_URLS[2]}`],
  [E, "member", "list"],
  [E, "member", "remove", "{new}", "-w", "table"],
  [E, "member", "list"],
  // Leadership goes from one to the other, wherever the tool asks.
  [ALL, "move-leader", "1"],
  ["--endpoints={e2},{e3}", "move-leader", "{m2}"],
  [ALL, "move-leader", "{m2}"],
  [ALL, "move-leader", "{m3}", "-w", "json"],
  [ALL, "endpoint", "status"],
  // The leader leaves, then its successor may not.
  [ALL, "move-leader", "{m3}"],
  ["--endpoints={e1},{e2}", "member", "remove", "{m3}"],
  ["--endpoints={e1},{e2}", "member", "list"],
];
