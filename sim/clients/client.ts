/**
 * A client of a simulated cluster: it asks one member until it hears an error, then another one. Each request
 * is sent once; what was not answered in time has an unknown outcome, as for every client of a real cluster.
 */
import { GrpcCode } from "../../src/errors/codes.ts";
import type { Prng } from "../../src/stdx/prng.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Machine } from "../cluster/machine.ts";
import { type Outcome, outcomeOfError, type Request } from "../history.ts";
import type { Channel } from "./channel.ts";
import type { Recorder } from "./recorder.ts";
import { decodeAnswer, encodeRequest } from "./wire.ts";

/** What clients share. */
export interface ClientParts {
  readonly cluster: Cluster;
  readonly channel: Channel;
  readonly recorder: Recorder;
}

export class Client {
  readonly id: number;
  readonly random: Prng;
  readonly parts: ClientParts;
  #machine: Machine;

  constructor(id: number, random: Prng, parts: ClientParts) {
    this.id = id;
    this.random = random;
    this.parts = parts;
    this.#machine = random.pick(parts.cluster.machines);
  }

  /** The member that is asked now. */
  get machine(): Machine {
    return this.#machine;
  }

  /** Turns to another member, or maybe the same. */
  switchMember(): void {
    this.#machine = this.random.pick(this.parts.cluster.machines);
  }

  /** Sends a request and records it; `done` is called once, after `timeoutMs` at the latest. */
  request(request: Request, timeoutMs: number, done: (outcome: Outcome) => void): void {
    const { cluster, channel, recorder } = this.parts;
    const { path, bytes } = encodeRequest(request);
    const machine = this.#machine;
    const { id: client } = this;
    const operation = { client, call: recorder.nowMs, request, member: machine.name };
    recorder.begin(operation);
    let isOver = false;
    const finish = (outcome: Outcome): void => {
      if (isOver) return;
      isOver = true;
      cluster.loop.cancel(timeout);
      recorder.end(operation, outcome);
      const { name } = machine;
      cluster.trace.note(`c${client}`, () => `${textOf(request)} at ${name}: ${textOf(outcome)}`);
      if (outcome.kind !== "ok") this.switchMember();
      done(outcome);
    };
    let answer: Outcome = { kind: "unknown", error: "no answer" };
    const isStream = request.kind === "alive";
    const sent = channel.call(machine, path, isStream ? undefined : bytes, {
      onMessage: (message) => {
        answer = { kind: "ok", ...decodeAnswer(request, message) };
        if (!isStream) return;
        sent.cancel();
        finish(answer);
      },
      onEnd: (code, message) =>
        finish(code === GrpcCode.OK ? answer : outcomeOfError(code, message)),
    });
    if (isStream) sent.send(bytes);
    const timeout = cluster.loop.after(timeoutMs * 1000, () => {
      sent.cancel();
      finish({ kind: "unknown", error: "timeout" });
    });
  }

  /** Calls `run` after a while of up to `pauseMs`. */
  pause(pauseMs: number, run: () => void): void {
    this.parts.cluster.loop.after(this.random.below(pauseMs * 1000 + 1), run);
  }
}

function textOf(value: Request | Outcome): string {
  return JSON.stringify(value);
}
