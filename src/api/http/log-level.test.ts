import { expect, test } from "vitest";
import type { HttpBodyHandler, HttpServerRequest } from "../../ports/http.ts";
import type { LogThreshold } from "../../ports/log.ts";
import { unprovenPeer } from "../../ports/client-peer.ts";
import { bytesFromUtf8, utf8FromBytes } from "../../stdx/bytes.ts";
import { QUIET_LOG } from "../../../test/harness/quiet-log.ts";
import { serveLogLevel } from "./log-level.ts";

/** Asks for the path and returns status and body. */
function ask(level: { value: LogThreshold }, method: string, body = ""): string {
  let answer = "";
  const request = {
    method,
    peer: unprovenPeer("1.2.3.4:5"),
    readBody(handler: HttpBodyHandler) {
      handler.onBytes(bytesFromUtf8(body));
      handler.onEnd();
    },
    respond(status: number, _headers: object, bytes: Uint8Array) {
      answer = `${status} ${utf8FromBytes(bytes)}`.trim();
    },
  } as unknown as HttpServerRequest;
  const control = {
    level: () => level.value,
    setLevel(next: LogThreshold) {
      level.value = next;
    },
  };
  const parse = (text: string): LogThreshold | undefined =>
    (["debug", "info"] as const).find((each) => each === text.toLowerCase());
  serveLogLevel({ control, log: QUIET_LOG, parse }, request);
  return answer;
}

test("the level is told and changed, in any case of letters", () => {
  const level = { value: "info" as LogThreshold };
  expect(ask(level, "GET")).toBe('200 {"Level":"INFO"}');
  expect(ask(level, "PUT", '{"level":"DEBUG"}')).toBe("204");
  expect(level.value).toBe("debug");
  expect(ask(level, "PUT", '{"Level":"Info"}')).toBe("204");
  expect(level.value).toBe("info");
});

test("what is no level changes nothing", () => {
  const level = { value: "info" as LogThreshold };
  for (const body of ["", "{", "[]", '{"Level":1}', "x".repeat(5000)]) {
    expect(ask(level, "PUT", body)).toBe('400 {"message":"Invalid json body"}');
  }
  expect(ask(level, "PUT", "{}")).toBe('400 {"message":"Invalid log level "}');
  expect(ask(level, "PUT", '{"Level":"<b>"}')).toBe(
    '400 {"message":"Invalid log level \\u003cb\\u003e"}',
  );
  expect(ask(level, "POST", '{"Level":"debug"}')).toBe("405 Method Not Allowed");
  expect(level.value).toBe("info");
});
