/**
 * Which handler has which path, by the rules of Go's ServeMux: the longest pattern counts, one that ends with
 * a slash stands for all paths below it, and paths that are not clean are redirected.
 *
 * Source: Go net/http (server.go, ServeMux).
 */
import type { HttpServerRequest } from "../../ports/http.ts";
import { cleanPath } from "../../stdx/clean-path.ts";
import { unescapePath } from "../../stdx/go-query.ts";
import { answerMalformed, answerNotFound, answerText } from "./answers.ts";

/** Answers a request. `path` is what the request is about: unescaped, clean, and with today's names. */
export type HttpHandler = (request: HttpServerRequest, path: string) => void;

export class HttpRouter {
  readonly #exact = new Map<string, HttpHandler>();
  /** Patterns that end with a slash, the longest first. */
  #trees: { readonly prefix: string; readonly handler: HttpHandler }[] = [];

  /** Gives `pattern` to `handler`; a later one replaces an earlier one. */
  handle(pattern: string, handler: HttpHandler): this {
    if (!pattern.endsWith("/")) {
      this.#exact.set(pattern, handler);
      return this;
    }
    this.#trees = this.#trees.filter(({ prefix }) => prefix !== pattern);
    this.#trees.push({ prefix: pattern, handler });
    this.#trees.sort((a, b) => b.prefix.length - a.prefix.length);
    return this;
  }

  /** Answers `request`, which is about `path`: its own, unescaped, when absent. */
  serve(request: HttpServerRequest, path: string | undefined = unescapePath(request.path)): void {
    if (path === undefined) {
      answerMalformed(request);
      return;
    }
    const clean = withSlashOf(path, cleanPath(path));
    const target = this.#needsSlash(clean) ? `${clean}/` : clean;
    if (target !== path) {
      redirect(request, target);
      return;
    }
    const handler =
      this.#exact.get(path) ?? this.#trees.find(({ prefix }) => path.startsWith(prefix))?.handler;
    if (handler === undefined) answerNotFound(request);
    else handler(request, path);
  }

  #needsSlash(path: string): boolean {
    return !this.#exact.has(path) && this.#trees.some(({ prefix }) => prefix === `${path}/`);
  }
}

function withSlashOf(path: string, clean: string): string {
  return path.endsWith("/") && clean !== "/" ? `${clean}/` : clean;
}

function redirect(request: HttpServerRequest, path: string): void {
  const query = request.query === "" ? "" : `?${request.query}`;
  const location = encodeURI(path) + query;
  const isShown = request.method === "GET" || request.method === "HEAD";
  const headers = {
    Location: location,
    ...(isShown ? { "Content-Type": "text/html; charset=utf-8" } : {}),
  };
  const escaped = location.replaceAll("&", "&amp;").replaceAll('"', "&#34;");
  const page = `<a href="${escaped}">Moved Permanently</a>.\n\n`;
  answerText(request, 301, headers, request.method === "GET" ? page : "");
}
