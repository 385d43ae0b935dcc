/** Pages over HTTP/1.1 as bytes, from the real etcd and from ours, side by side. */
import net from "node:net";
import { expect } from "vitest";
import { sleep } from "./sleep.ts";

/** A request: method, path, and headers beside the host. */
export type PageRequest = readonly [method: string, path: string, ...headers: string[]];

/** Both programs' ports. */
export interface PagePorts {
  readonly real: number;
  readonly ours: number;
}

const ANSWER_TIMEOUT_MS = 30_000;

/** Sends `bytes` and returns all that comes until the other side closes. */
export function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let all = "";
    const socket = net.connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    socket.setEncoding("latin1");
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error(`no answer: ${all}`)));
    socket.on("data", (chunk: string) => {
      all += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(all));
  });
}

/** Asks `port` for a page and returns what is comparable of the answer: headers sorted, no date, no version. */
export async function page(port: number, [method, path, ...headers]: PageRequest): Promise<string> {
  const hasHost = headers.some((header) => /^host:/i.test(header));
  const lines = [...(hasHost ? [] : ["Host: localhost"]), ...headers, "Connection: close"];
  return comparable(
    await exchange(port, `${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`),
  );
}

/** Waits until both have agreed on the version of their clusters, which pages tell. */
export async function untilVersionsAreDecided(ports: PagePorts): Promise<void> {
  for (const port of [ports.real, ports.ours]) {
    while ((await page(port, ["GET", "/version"])).includes("not_decided")) await sleep(20);
  }
}

/** Asks both for a page and expects one answer, which it returns. */
export async function samePage(ports: PagePorts, ...request: PageRequest): Promise<string> {
  const [real, ours] = await Promise.all([page(ports.real, request), page(ports.ours, request)]);
  expect(ours, request.join(" ")).toBe(real);
  return real;
}

function comparable(answer: string): string {
  const end = answer.indexOf("\r\n\r\n");
  const [status, ...headers] = answer.slice(0, end).split("\r\n");
  const kept = headers.filter((header) => !header.startsWith("Date: ")).toSorted();
  const body = answer.slice(end + 4).replaceAll(/"etcdserver":"[\d.]+"/g, '"etcdserver":"V"');
  return [status, ...kept, "", body].join("\n");
}
