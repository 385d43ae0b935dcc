/** Answers of the peer port that are not success, in the form of Go's net/http. */
import type { HttpHeaders, HttpServerRequest } from "../ports/http.ts";
import { goJsonString } from "../stdx/json.ts";
import { bytesFromUtf8 } from "../stdx/bytes.ts";
import type { Refusal } from "./inbox.ts";

/** A line of text. */
export function answerFailure(
  request: HttpServerRequest,
  status: number,
  text: string,
  headers: HttpHeaders = {},
): void {
  const all = {
    ...headers,
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
  };
  request.respond(status, all, bytesFromUtf8(`${text}\n`));
}

/** A method that the path does not have. */
export function answerMethodNotAllowed(request: HttpServerRequest, allowed: string): void {
  answerFailure(request, 405, "Method Not Allowed", { Allow: allowed });
}

/** A message that Raft does not take. Source: etcd httptypes (HTTPError.WriteTo). */
export function answerRefusal(
  request: HttpServerRequest,
  { status, text }: Refusal,
  headers: HttpHeaders,
): void {
  if (status === 500) {
    answerFailure(request, 500, "error processing raft message", headers);
    return;
  }
  const all = { ...headers, "Content-Type": "application/json" };
  request.respond(status, all, bytesFromUtf8(`{"message":${goJsonString(text)}}`));
}
