/**
 * `/config/local/log`: the level of the log, told by GET and changed by PUT with `{"Level":"DEBUG"}`.
 *
 * Differs from etcd: it had this path until 3.4 and has nothing in its place since. It is served where
 * --enable-pprof is given.
 *
 * Source: etcd etcdserver/api/etcdhttp (base.go; 3.4).
 */
import type { HttpServerRequest } from "../../ports/http.ts";
import type { Log, LogLevelControl, LogThreshold } from "../../ports/log.ts";
import { EMPTY_BYTES, utf8FromBytes } from "../../stdx/bytes.ts";
import { goJsonString, JsonError, parseJson } from "../../stdx/json.ts";
import { LOG_LEVEL_BODY_BYTES_MAX } from "../limits.ts";
import { answerFailure, answerText } from "./answers.ts";
import { readWholeBody } from "./whole-body.ts";

export interface LogLevelParts {
  readonly control: LogLevelControl;
  readonly log: Log;
  /** What a name of a level means; `undefined` for none. */
  readonly parse: (text: string) => LogThreshold | undefined;
}

const JSON_TYPE = { "Content-Type": "application/json" };

export function serveLogLevel(parts: LogLevelParts, request: HttpServerRequest): void {
  if (request.method === "GET") {
    const text = `{"Level":"${parts.control.level().toUpperCase()}"}\n`;
    answerText(request, 200, JSON_TYPE, text);
    return;
  }
  if (request.method !== "PUT") {
    answerFailure(request, 405, "Method Not Allowed", { Allow: "PUT" });
    return;
  }
  readWholeBody(request, LOG_LEVEL_BODY_BYTES_MAX, (body) => {
    const name = body === undefined ? undefined : levelIn(utf8FromBytes(body));
    if (name === undefined) {
      refuse(request, "Invalid json body");
      return;
    }
    const level = name === "" ? undefined : parts.parse(name);
    if (level === undefined) {
      refuse(request, `Invalid log level ${name}`);
      return;
    }
    parts.control.setLevel(level);
    parts.log.warn("level of the log was changed", {
      level,
      "remote-addr": request.peer.address,
    });
    request.respond(204, {}, EMPTY_BYTES);
  });
}

/** The member "Level" of a JSON object, in any case, as Go reads it; `undefined` when there is no object. */
function levelIn(text: string): string | undefined {
  try {
    const value = parseJson(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    for (const [name, level] of Object.entries(value)) {
      if (name.toLowerCase() === "level") return typeof level === "string" ? level : undefined;
    }
    return "";
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

function refuse(request: HttpServerRequest, message: string): void {
  answerText(request, 400, JSON_TYPE, `{"message":${goJsonString(message)}}`);
}
