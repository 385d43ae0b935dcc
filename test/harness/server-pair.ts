/**
 * The real etcd and ours side by side: one call goes to both, and the answers are compared, message by
 * message. Both have the same ids, so even the headers agree but for the term.
 */
import { expect } from "vitest";
import type { ResponseHeader } from "../../src/wire/gen/rpc.ts";
import { type EtcdProcess, type EtcdProcessOptions, startEtcd } from "./etcd-process.ts";
import { OUR_ETCD } from "./our-etcd.ts";
import { openRawCaller, type RawCaller } from "./raw-calls.ts";

/** A method with the codecs of its messages, as in src/wire/gen/services.ts. */
interface Method<Request, Response> {
  readonly path: string;
  readonly request: {
    readonly create: (partial?: Partial<Request>) => Request;
    readonly encode: (message: Request) => Uint8Array;
  };
  readonly response: { readonly decode: (bytes: Uint8Array) => Response };
}

/** How a call ended: a message, or an error. */
export type Ended<Response> =
  | { readonly response: Response }
  | { readonly code: number; readonly text: string };

export interface RunningServer {
  readonly server: EtcdProcess;
  readonly caller: RawCaller;
}

const PROGRAMS = { real: {}, ours: { command: OUR_ETCD } } as const;

export class ServerPair {
  readonly real: RunningServer;
  readonly ours: RunningServer;

  private constructor(real: RunningServer, ours: RunningServer) {
    this.real = real;
    this.ours = ours;
  }

  /** Starts both on fresh data, with what clients are told of them equal. */
  static async start(options: EtcdProcessOptions = {}): Promise<ServerPair> {
    const flags = ["--advertise-client-urls=http://127.0.0.1:2379", ...(options.flags ?? [])];
    const run = async (program: keyof typeof PROGRAMS): Promise<RunningServer> => {
      const server = await startEtcd({ ...options, ...PROGRAMS[program], flags });
      return { server, caller: await openRawCaller(server.endpoint) };
    };
    return new ServerPair(await run("real"), await run("ours"));
  }

  /** Ends both cleanly and starts them again on what they left. */
  async restart(options: EtcdProcessOptions = {}): Promise<ServerPair> {
    const flags = ["--advertise-client-urls=http://127.0.0.1:2379", ...(options.flags ?? [])];
    const again = async (
      { server, caller }: RunningServer,
      program: keyof typeof PROGRAMS,
    ): Promise<RunningServer> => {
      caller.close();
      await server.stop();
      const { dataDir } = server;
      const next = await startEtcd({ ...options, ...PROGRAMS[program], flags, dataDir });
      return { server: next, caller: await openRawCaller(next.endpoint) };
    };
    return new ServerPair(await again(this.real, "real"), await again(this.ours, "ours"));
  }

  /** Calls both and expects one answer from them, which it returns. */
  async same<Request, Response>(
    method: Method<Request, Response>,
    partial: Partial<Request> = {},
  ): Promise<Ended<Response>> {
    const real = await callOne(this.real, method, partial);
    const ours = await callOne(this.ours, method, partial);
    expect(withoutTerm(ours), method.path).toEqual(withoutTerm(real));
    return real;
  }

  /** Asks both for a page over HTTP and expects one answer, which it returns. */
  async samePage(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const real = await fetchOne(this.real, path);
    const ours = await fetchOne(this.ours, path);
    expect(ours, path).toEqual(real);
    return real;
  }

  async remove(): Promise<void> {
    for (const { server, caller } of [this.real, this.ours]) {
      caller.close();
      await server.remove();
    }
  }
}

/** Calls one server. */
export async function callOne<Request, Response>(
  { caller }: RunningServer,
  { path, request, response }: Method<Request, Response>,
  partial: Partial<Request> = {},
): Promise<Ended<Response>> {
  const { code, text, body } = await caller.call(path, request.encode(request.create(partial)));
  return body === undefined ? { code, text } : { response: response.decode(body) };
}

async function fetchOne({ server }: RunningServer, path: string) {
  const answer = await fetch(`http://${server.endpoint}${path}`);
  return { status: answer.status, body: await answer.text() };
}

/** Starts differ in how many elections they hold. */
function withoutTerm<Response>(ended: Ended<Response>): unknown {
  if (!("response" in ended)) return ended;
  const { header } = ended.response as { readonly header?: ResponseHeader };
  if (header === undefined) return ended;
  return { response: { ...ended.response, header: { ...header, raftTerm: 0 } } };
}
