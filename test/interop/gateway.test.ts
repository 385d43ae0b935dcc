/**
 * The JSON gateway against the real etcd. Its builds come with two versions of the gateway: 1.16, which etcd 3.5
 * names and ours follows, has bodies that must be equal byte by byte; the other leaves out the member "error",
 * writes spaces and has its own words for JSON that is wrong, so there the content is compared.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Prng } from "../../src/stdx/prng.ts";
import {
  FIXED_REQUESTS,
  type GatewayCall,
  QUIRKS,
  randomRequest,
  UNROUTED_REQUESTS,
  WRONG_VERBS,
} from "../harness/gateway-requests.ts";
import { REFERENCE } from "../harness/reference.ts";
import { ServerPair } from "../harness/server-pair.ts";

const SEED = Number(process.env["GATEWAY_SEED"] ?? 1);
const REQUESTS = Number(process.env["GATEWAY_REQUESTS"] ?? 150);

/** Time for a stream without an end to say what it has to say. */
const STREAM_MS = 400;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

async function ask(endpoint: string, call: GatewayCall): Promise<Answer> {
  const verb = call.verb ?? "POST";
  const answer = await fetch(`http://${endpoint}${call.path}`, {
    method: verb,
    ...(verb === "GET" ? {} : { body: call.body }),
    ...(call.headers === undefined ? {} : { headers: call.headers }),
  });
  return { status: answer.status, headers: answer.headers, body: await answer.text() };
}

/** The beginning of an answer that may not end. */
async function listen(endpoint: string, path: string, body: string): Promise<string> {
  const aborter = new AbortController();
  const answer = await fetch(`http://${endpoint}${path}`, {
    method: "POST",
    body,
    signal: aborter.signal,
  });
  let text = "";
  setTimeout(() => aborter.abort(), STREAM_MS);
  const decoder = new TextDecoder();
  try {
    for await (const chunk of answer.body ?? []) text += decoder.decode(chunk, { stream: true });
  } catch (error) {
    if (!aborter.signal.aborted) throw error;
  }
  return text;
}

const TOLD_HEADERS = ["content-type", "grpc-metadata-content-type", "access-control-allow-origin"];

/** What two starts of one server may differ in. */
function masked(text: string): string {
  return text
    .replaceAll(/("raft_term":|"raftTerm":|"dbSize":|"dbSizeInUse":) ?"[0-9]+"/g, '$1"<n>"')
    .replaceAll(/("ID":|"lease":) ?"[0-9]{17,20}"/g, '$1"<id>"');
}

describe.skipIf(REFERENCE === undefined)("the JSON gateway", { timeout: 90_000 }, () => {
  let pair: ServerPair;
  /** Whether the real one has the gateway that ours follows. */
  let isExact = false;

  beforeAll(async () => {
    pair = await ServerPair.start();
    const { body } = await ask(pair.real.server.endpoint, { path: "/v3/kv/range", body: "{}" });
    isExact = body.startsWith('{"error":');
  }, 90_000);

  afterAll(() => pair.remove());

  /** The content of a body: JSON without its spaces, and errors without the member that repeats the text. */
  function contentOf({ body, status }: Answer): string {
    if (isExact) return masked(body);
    if (!body.startsWith("{")) return masked(body);
    const lines = body.split("\n").map((line) => {
      if (line === "") return "";
      const value = JSON.parse(line) as Record<string, unknown>;
      if (status !== 200) delete value["error"];
      return JSON.stringify(value);
    });
    return masked(lines.join("\n"));
  }

  /** JSON that is wrong is told in other words by each version. */
  function isAboutJson({ body }: Answer): boolean {
    return /json: |invalid character|unexpected E|unexpected end|base64|unknown value/.test(body);
  }

  async function expectSame(call: GatewayCall): Promise<void> {
    const label = JSON.stringify(call);
    const real = await ask(pair.real.server.endpoint, call);
    const ours = await ask(pair.ours.server.endpoint, call);
    // The other version waits for the rest of a stream whose first request cannot be read.
    if (!isExact && ours.status === 500 && isAboutJson(ours)) return;
    expect(ours.status, label).toBe(real.status);
    for (const name of TOLD_HEADERS) {
      if (name === "content-type" && real.body === "") continue;
      expect(ours.headers.get(name), `${name} of ${label}`).toBe(real.headers.get(name));
    }
    if (!isExact && isAboutJson(ours)) expect(real.body, label).toMatch(/"code":3/);
    else expect(contentOf(ours), label).toBe(contentOf(real));
    if (ours.status !== 200) {
      const { error, code, message } = JSON.parse(ours.body) as Record<string, unknown>;
      expect(ours.body, label).toBe(
        JSON.stringify({ error, code, message }).replace(/[<>&]/g, escaped),
      );
    }
  }

  test("answers the fixed list as the real one does", async () => {
    for (const call of FIXED_REQUESTS) await expectSame(call);
  });

  test("answers random requests as the real one does", async () => {
    const prng = new Prng(SEED);
    for (let count = 0; count < REQUESTS; count++) await expectSame(randomRequest(prng));
  });

  test.each(QUIRKS)("reads JSON as Go's jsonpb does: %s", async (body, message) => {
    const call = { path: "/v3/kv/range", body };
    const ours = await ask(pair.ours.server.endpoint, call);
    expect(ours.status).toBe(message === undefined ? 200 : 400);
    if (message !== undefined) {
      expect(JSON.parse(ours.body)).toEqual({ error: message, code: 3, message });
    }
    if (isExact) await expectSame(call);
  });

  test("tells what is at no path, and what wants another verb", async () => {
    for (const call of [...UNROUTED_REQUESTS, ...WRONG_VERBS]) {
      const real = await ask(pair.real.server.endpoint, call);
      const ours = await ask(pair.ours.server.endpoint, call);
      const isKnown = WRONG_VERBS.includes(call);
      if (isExact) expect([ours.status, ours.body]).toEqual([real.status, real.body]);
      expect(ours.status).toBe(isKnown ? 405 : 404);
      expect(real.status).toBe(isKnown && !isExact ? 501 : ours.status);
      expect(ours.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    }
  });

  test.each([
    ["/v3/watch", '{"create_request":{"key":"Zm9v","rangeEnd":"AA==","start_revision":"2"}}'],
    ["/v3/watch", '{"create_request":{"key":"Zm9v"}}{"cancel_request":{"watch_id":0}}'],
    ["/v3/watch", '{"create_request":{"key":"Zm9v","watch_id":"7"}} x'],
    ["/v3/election/observe", '{"name":"b2I="}'],
  ])("tells events line by line: %s %s", async (path, body) => {
    await expectSame({ path: "/v3/kv/put", body: '{"key":"Zm9v","value":"YmFy"}' });
    await expectSame({ path: "/v3/lease/grant", body: '{"TTL":"600","ID":"12"}' });
    await expectSame({ path: "/v3/election/campaign", body: '{"name":"b2I=","lease":"12"}' });
    const [real, ours] = await Promise.all(
      [pair.real, pair.ours].map(({ server }) => listen(server.endpoint, path, body)),
    );
    expect(masked(ours)).toBe(masked(real));
    expect(ours).toContain('{"result":{"header":{');
  });

  test("sends a snapshot in pieces of base64", async () => {
    const texts = await Promise.all(
      [pair.real, pair.ours].map(({ server }) =>
        ask(server.endpoint, { path: "/v3/maintenance/snapshot", body: "{}" }),
      ),
    );
    for (const { body, status } of texts) {
      expect(status).toBe(200);
      const lines = body.trim().split("\n");
      const results = lines.map((line) => (JSON.parse(line) as { result: Piece }).result);
      const sizes = results.map(({ blob }) => Buffer.from(blob, "base64").length);
      expect(sizes.at(-1)).toBe(32);
      expect(Number(results[0].remaining_bytes ?? "0")).toBe(
        sizes.slice(1, -1).reduce((sum, size) => sum + size, 0),
      );
    }
  });
});

interface Piece {
  readonly blob: string;
  readonly remaining_bytes?: string;
}

function escaped(unit: string): string {
  return `\\u00${unit.charCodeAt(0).toString(16)}`;
}
