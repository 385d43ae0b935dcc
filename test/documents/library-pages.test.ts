/** docs/raft.md and docs/bolt.md are programs: they compile without the types of Node.js, and print what the pages say. */
import { expect, test } from "vitest";
import { compilePage } from "../harness/page-program.ts";

test.each(["raft.md", "bolt.md"])(
  "the program of docs/%s prints what the page says",
  async (name) => {
    const program = await compilePage(name, []);
    try {
      expect(await program.run()).toBe(program.expected);
    } finally {
      program.remove();
    }
  },
  120_000,
);
