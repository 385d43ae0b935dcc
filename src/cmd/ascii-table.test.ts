import { expect, test } from "vitest";
import { asciiTable } from "./ascii-table.ts";
import { byteString } from "./byte-text.ts";

test("asciiTable draws what etcdctl draws for members", () => {
  const headings = ["ID", "Status", "Name", "Peer Addrs", "Client Addrs", "Is Learner"];
  const url = "http://127.0.0.1:23801";
  const row = ["bdae9bbc11dd390d", "started", "default", url, "http://127.0.0.1:23791", "false"];
  expect(`\n${asciiTable(headings, [row])}`).toBe(`
+------------------+---------+---------+------------------------+------------------------+------------+
|        ID        | STATUS  |  NAME   |       PEER ADDRS       |      CLIENT ADDRS      | IS LEARNER |
+------------------+---------+---------+------------------------+------------------------+------------+
| bdae9bbc11dd390d | started | default | http://127.0.0.1:23801 | http://127.0.0.1:23791 |      false |
+------------------+---------+---------+------------------------+------------------------+------------+
`);
});

test("asciiTable without rows shows the headings", () => {
  expect(asciiTable(["endpoint", "took"], [])).toBe(
    "+----------+------+\n| ENDPOINT | TOOK |\n+----------+------+\n+----------+------+\n",
  );
});

test("asciiTable fills the lines of long cells and never breaks a word", () => {
  const text = "one two three four five six seven eight nine ten";
  const long = "x".repeat(40);
  const rows = [
    ["one", text],
    ["two", `short ${long}`],
  ];
  expect(`\n${asciiTable(["a", "b"], rows)}`).toBe(`
+-----+------------------------------------------+
|  A  |                    B                     |
+-----+------------------------------------------+
| one |              one two three four five six |
|     |                     seven eight nine ten |
| two |                                    short |
|     | ${long} |
+-----+------------------------------------------+
`);
});

test("asciiTable counts columns of a terminal, not bytes", () => {
  expect(asciiTable(["n"], [[byteString("é世")], [byteString("ab")]])).toBe(
    `+-----+\n|  N  |\n+-----+\n| ${byteString("é世")} |\n|  ab |\n+-----+\n`,
  );
});
