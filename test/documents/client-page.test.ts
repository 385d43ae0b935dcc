/**
 * docs/client.md is one program: it is compiled as the page tells, with strict types, and run from a package of its
 * own against our server and the real one; what it prints must be what the page says.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { CLIENT_SERVERS } from "../harness/client-servers.ts";
import { startEtcd } from "../harness/etcd-process.ts";
import { compilePage, type PageProgram } from "../harness/page-program.ts";

const ENDPOINT = "${process.env.ENDPOINT}";

let program: PageProgram;

beforeAll(async () => {
  program = await compilePage("client.md", ["node"], (text) =>
    text.replaceAll("127.0.0.1:2379", ENDPOINT).replaceAll(`"${ENDPOINT}"`, `\`${ENDPOINT}\``),
  );
}, 60_000);

afterAll(() => program.remove());

test.each(CLIENT_SERVERS)(
  "the program of docs/client.md prints what the page says with %s",
  async (_, start) => {
    const server = await startEtcd(start);
    try {
      expect(await program.run({ ENDPOINT: server.endpoint })).toBe(program.expected);
    } finally {
      await server.remove();
    }
  },
  120_000,
);
