/** Answers in the forms that Go's net/http gives them. */
import type { HttpHeaders, HttpServerRequest } from "../../ports/http.ts";
import { bytesFromUtf8 } from "../../stdx/bytes.ts";

/** The type of a text that names none: what Go's server finds in it. */
export const TEXT_TYPE = "text/plain; charset=utf-8";

export function answerText(
  request: Pick<HttpServerRequest, "respond">,
  status: number,
  headers: HttpHeaders,
  text: string,
): void {
  request.respond(status, headers, bytesFromUtf8(text));
}

/** A line of text that says what went wrong. Source: Go net/http (Error). */
export function answerFailure(
  request: Pick<HttpServerRequest, "respond">,
  status: number,
  text: string,
  headers: HttpHeaders = {},
): void {
  const all = { ...headers, "Content-Type": TEXT_TYPE, "X-Content-Type-Options": "nosniff" };
  answerText(request, status, all, `${text}\n`);
}

/** Nothing is at this path. */
export function answerNotFound(request: HttpServerRequest): void {
  answerFailure(request, 404, "404 page not found");
}

/** Not even a request: what Go answers without looking for a handler. */
export function answerMalformed(request: HttpServerRequest): void {
  const headers = { "Content-Type": TEXT_TYPE, Connection: "close" };
  answerText(request, 400, headers, "400 Bad Request");
}

/** Whether the method is the one that the path has; otherwise the request is answered. */
export function hasMethod(request: HttpServerRequest, method: string): boolean {
  if (request.method === method) return true;
  answerFailure(request, 405, "Method Not Allowed", { Allow: method });
  return false;
}
