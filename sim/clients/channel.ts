/**
 * How simulated clients reach members: calls to the services of the server, with encoded requests and
 * answers, over a network that takes time and may lose one or the other. A client whose call is lost hears
 * nothing; that is what its timeout is for.
 */
import { GrpcCode } from "../../src/errors/codes.ts";
import { ROOT } from "../../src/auth/names.ts";
import type { GrpcMetadata } from "../../src/http2/grpc-metadata.ts";
import type { GrpcMethodHandler, GrpcServerCall } from "../../src/http2/grpc-server-types.ts";
import { type ClientPeer, unprovenPeer } from "../../src/ports/client-peer.ts";
import type { Prng } from "../../src/stdx/prng.ts";
import type { EventLoop } from "../cluster/event-loop.ts";
import type { Machine } from "../cluster/machine.ts";
import type { Process } from "../cluster/process.ts";
import { CLIENT_USER } from "./administrator.ts";

/** What a client hears of a call, in order; after `onEnd` nothing. */
export interface CallHandler {
  onMessage(bytes: Uint8Array): void;
  /** The status, also of a lost connection. */
  onEnd(code: number, message: string): void;
}

/** How long requests and answers take, and how many are lost; changed by faults. */
export interface ChannelConditions {
  latencyUs: number;
  jitterUs: number;
  /** Probability, for each message in either direction, that the connection breaks instead. */
  broken: number;
}

const CONNECTION_LOST = "error reading from server: EOF";
const CONNECTION_REFUSED = 'connection error: desc = "transport: Error while dialing"';

export class Channel {
  readonly #loop: EventLoop;
  readonly #random: Prng;
  readonly conditions: ChannelConditions;
  readonly #open = new Map<Process, Set<ClientCall>>();

  constructor(loop: EventLoop, random: Prng, conditions: ChannelConditions) {
    this.#loop = loop;
    this.#random = random;
    this.conditions = conditions;
  }

  /** Calls a method of the member on `machine`; a unary one with its request. */
  call(
    machine: Machine,
    path: string,
    request: Uint8Array | undefined,
    handler: CallHandler,
  ): ClientCall {
    const call = new ClientCall(this, machine, path, handler);
    call.start(request);
    return call;
  }

  /** Runs `run` at the other end, a while later; messages of one call keep their order. */
  carry(call: ClientCall, lastUs: number, run: () => void): number {
    const { latencyUs, jitterUs, broken } = this.conditions;
    if (broken > 0 && this.#random.chance(broken)) {
      this.#loop.after(latencyUs, () => call.connectionLost());
      return lastUs;
    }
    const nowUs = this.#loop.nowUs;
    const atUs = Math.max(lastUs, nowUs + latencyUs + this.#random.below(jitterUs + 1));
    this.#loop.after(atUs - nowUs, run);
    return atUs;
  }

  /** Runs `run` as an event of a process. */
  hand(process: Process, run: () => void): void {
    this.#loop.after(0, run, process);
  }

  opened(process: Process, call: ClientCall): void {
    const calls = this.#open.get(process);
    if (calls === undefined) this.#open.set(process, new Set([call]));
    else calls.add(call);
  }

  closed(process: Process, call: ClientCall): void {
    this.#open.get(process)?.delete(call);
  }

  /** A process is dead: its kernel closes the connections. */
  processEnded(process: Process): void {
    const calls = this.#open.get(process);
    this.#open.delete(process);
    for (const call of calls ?? []) {
      this.#loop.after(this.conditions.latencyUs, () => call.connectionLost());
    }
  }
}

/** Whom the certificate of a caller names, where certificates count: who asks for more than keys is root. */
function userOf(path: string): string {
  const isOfKeys = /^\/etcdserverpb\.(?:KV|Watch|Lease)\//.test(path);
  return isOfKeys && !path.endsWith("/Compact") ? CLIENT_USER : ROOT;
}

/** One call, as the client holds it and, as `GrpcServerCall`, as the service does. */
export class ClientCall implements GrpcServerCall {
  readonly path: string;
  readonly deadlineMs: number = Number.POSITIVE_INFINITY;
  context: unknown = undefined;
  readonly peer: ClientPeer;
  /** Networks of simulations take everything. */
  readonly unsentBytes = 0;
  readonly machine: Machine;
  readonly #channel: Channel;
  readonly #handler: CallHandler;
  #process: Process | undefined;
  #method: GrpcMethodHandler | undefined;
  /** The service may still answer. */
  #isServed = false;
  /** The client has not heard the end. */
  #isWanted = true;
  #requestUs = 0;
  #answerUs = 0;

  constructor(channel: Channel, machine: Machine, path: string, handler: CallHandler) {
    this.#channel = channel;
    this.machine = machine;
    this.path = path;
    this.peer = { ...unprovenPeer(""), commonName: userOf(path) };
    this.#handler = handler;
  }

  // --- The client's side ----------------------------------------------------------------------------------

  start(request: Uint8Array | undefined): void {
    this.#requestUs = this.#channel.carry(this, 0, () => {
      const { process, services } = this.machine;
      const method = services?.lookup(this.path);
      if (process === undefined || method === undefined) {
        this.#channel.carry(this, 0, () => this.#end(GrpcCode.Unavailable, CONNECTION_REFUSED));
        return;
      }
      this.#process = process;
      this.#method = method;
      this.#channel.opened(process, this);
      this.#channel.hand(process, () => {
        if (!this.#isWanted) return;
        this.#isServed = true;
        method.onCall?.(this);
        if (request !== undefined) method.onMessage(this, request);
        this.machine.host?.poke();
      });
    });
  }

  /** Sends one more message of a stream. */
  send(message: Uint8Array): void {
    this.#requestUs = this.#channel.carry(this, this.#requestUs, () => {
      if (this.#process === undefined) return;
      this.#channel.hand(this.#process, () => {
        if (!this.#isServed) return;
        this.#method?.onMessage(this, message);
        this.machine.host?.poke();
      });
    });
  }

  /** The client does not want to hear more. */
  cancel(): void {
    if (!this.#isWanted) return;
    this.#isWanted = false;
    this.#tellService();
  }

  /** The connection is gone: the client hears it, and so does the service. */
  connectionLost(): void {
    this.#tellService();
    this.#end(GrpcCode.Unavailable, CONNECTION_LOST);
  }

  #end(code: number, message: string): void {
    if (!this.#isWanted) return;
    this.#isWanted = false;
    if (this.#process !== undefined) this.#channel.closed(this.#process, this);
    this.#handler.onEnd(code, message);
  }

  #tellService(): void {
    const process = this.#process;
    if (process === undefined) return;
    this.#channel.closed(process, this);
    this.#channel.hand(process, () => {
      if (!this.#isServed) return;
      this.#isServed = false;
      this.#method?.onCancel(this);
      this.machine.host?.poke();
    });
  }

  // --- The service's side ---------------------------------------------------------------------------------

  get open(): boolean {
    return this.#isServed;
  }

  get(_name: string): undefined {
    return undefined;
  }

  getAll(_name: string): string[] {
    return [];
  }

  getBytes(_name: string): undefined {
    return undefined;
  }

  metadata(): GrpcMetadata {
    return [];
  }

  sendHeaders(): void {}

  sendMessage(message: Uint8Array): boolean {
    if (!this.#isServed) return true;
    this.#answerUs = this.#channel.carry(this, this.#answerUs, () => {
      if (this.#isWanted) this.#handler.onMessage(message);
    });
    return true;
  }

  sendParts(head: Uint8Array, headLength: number, body: Uint8Array): boolean {
    const whole = new Uint8Array(headLength + body.length);
    whole.set(head.subarray(0, headLength));
    whole.set(body, headLength);
    return this.sendMessage(whole);
  }

  sendStatus(code: number, message: string): void {
    if (!this.#isServed) return;
    this.#isServed = false;
    this.#answerUs = this.#channel.carry(this, this.#answerUs, () => this.#end(code, message));
  }

  sendUnary(message: Uint8Array): void {
    this.sendMessage(message);
    this.sendStatus(GrpcCode.OK, "");
  }

  setReceiving(_receiving: boolean): void {}
}
