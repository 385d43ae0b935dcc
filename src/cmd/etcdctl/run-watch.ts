/**
 * watch: events as they come, from one watch of the command line or from those of lines of standard input;
 * with a program that is run for every event.
 *
 * Source: etcd etcdctl/ctlv3/command/watch_command.go.
 */
import type { Client } from "../../client/client.ts";
import type { Watcher } from "../../client/watch.ts";
import { WatchCanceledError } from "../../client/watch-entry.ts";
import { latin1FromBytes } from "../../stdx/bytes.ts";
import { goQuote } from "../../stdx/go-quote.ts";
import type { Event } from "../../wire/gen/kv.ts";
import type { WatchCreateRequest, WatchResponse } from "../../wire/gen/rpc.ts";
import { byteString } from "../byte-text.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { connect } from "./client-config.ts";
import type { EtcdctlCall, Session } from "./session.ts";
import { splitWords } from "./txn-words.ts";
import { eventTypeName, type WatchPrinter, watchPrinter } from "./watch-printer.ts";
import { watchOfCommandLine, watchOfLine, watchRequest } from "./watch-words.ts";

const KEY_VARIABLE = "ETCDCTL_WATCH_KEY";
const RANGE_END_VARIABLE = "ETCDCTL_WATCH_RANGE_END";

/** Watches need a leader: on a member that lost it nothing would ever happen. */
const WATCH_OPTIONS = { requireLeader: true };

/** What every watch of one run has in common. */
interface Watching {
  readonly session: Session;
  readonly client: Client;
  readonly print: WatchPrinter;
}

export async function runWatch(session: Session, call: EtcdctlCall): Promise<void> {
  const { io } = session;
  const { flags, args } = call;
  const fromEnvironment = keyAndEnd(session);
  if (flags.getBool("interactive")) {
    await watchLines(await startWatching(session, call), fromEnvironment);
    return;
  }
  const typed = ["etcdctl", ...io.args];
  const { range, program } = watchOfCommandLine(typed, args, fromEnvironment);
  const watching = await startWatching(session, call);
  const watcher = await openWatch(watching, watchRequest(flags, range));
  if (watcher !== undefined) await showEvents(watching, watcher, program);
  throw new ToolExit(ExitCode.INTERRUPTED, "watch is canceled by the server");
}

/** Key and range end from the environment, as far as they are there. */
function keyAndEnd({ io }: Session): string[] {
  const value = (wanted: string): string =>
    io.environment.find(({ name }) => name === wanted)?.value ?? "";
  const [key, rangeEnd] = [value(KEY_VARIABLE), value(RANGE_END_VARIABLE)];
  if (key !== "") return rangeEnd === "" ? [key] : [key, rangeEnd];
  if (rangeEnd === "") return [];
  const message = `${KEY_VARIABLE} is empty but got ${RANGE_END_VARIABLE}=${goQuote(rangeEnd)}`;
  throw new ToolExit(ExitCode.BAD_ARGUMENTS, message);
}

async function startWatching(session: Session, call: EtcdctlCall): Promise<Watching> {
  const variables = [KEY_VARIABLE, RANGE_END_VARIABLE];
  const { client, printer } = await connect(session, call, variables);
  const print = watchPrinter(printer.form, call.flags.getBool("hex"), session.io);
  return { session, client, print };
}

/** Opens a watch; one that is refused is shown and not returned. */
async function openWatch(
  { session, client, print }: Watching,
  request: Partial<WatchCreateRequest>,
): Promise<Watcher | undefined> {
  try {
    return await client.watch.open(request, WATCH_OPTIONS);
  } catch (error) {
    showEnd(session, print, error, undefined);
    return undefined;
  }
}

/** Shows what happens until the watch ends. */
async function showEvents(
  { session, print }: Watching,
  watcher: Watcher,
  program: readonly string[],
): Promise<void> {
  for (;;) {
    let response: WatchResponse | undefined;
    try {
      response = await watcher.next();
    } catch (error) {
      const last = error instanceof WatchCanceledError ? error.response : undefined;
      showEnd(session, print, error, last);
      return;
    }
    if (response === undefined) return;
    const revision = response.header?.revision ?? 0;
    if (response.events.length === 0) session.io.out(`progress notify: ${revision}\n`);
    print(response);
    if (program.length === 0) continue;
    for (const event of response.events) await runProgram(session, program, event, revision);
  }
}

function showEnd(
  { io }: Session,
  print: WatchPrinter,
  error: unknown,
  response: WatchResponse | undefined,
): void {
  if (!(error instanceof Error)) throw error;
  io.error(`watch was canceled (${byteString(error.message)})\n`);
  print(response);
}

async function runProgram(
  { io }: Session,
  program: readonly string[],
  event: Event,
  revision: number,
): Promise<void> {
  const { kv } = event;
  const quoted = (bytes: Uint8Array | undefined): string =>
    goQuote(bytes === undefined ? "" : latin1FromBytes(bytes));
  const failure = await io.execute(program, [
    { name: "ETCD_WATCH_REVISION", value: String(revision) },
    { name: "ETCD_WATCH_EVENT_TYPE", value: goQuote(eventTypeName(event)) },
    { name: "ETCD_WATCH_KEY", value: quoted(kv?.key) },
    { name: "ETCD_WATCH_VALUE", value: quoted(kv?.value) },
  ]);
  if (failure === undefined) return;
  io.error(`command [${program.map(goQuote).join(" ")}] error (${failure.reason})\n`);
  throw new ToolExit(ExitCode.ERROR, undefined);
}

/** Interactive mode: a watch per line, until input ends or one of them ends the tool. */
async function watchLines(watching: Watching, fromEnvironment: readonly string[]): Promise<never> {
  const { session, client } = watching;
  const lines = inputLines(session);
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  for (;;) {
    const next = await Promise.race([lines.next(), failed]);
    if (next.done === true) {
      throw new ToolExit(ExitCode.INVALID_INPUT, "error reading watch request line: EOF");
    }
    const line = next.value;
    const [word, ...rest] = splitWords(line);
    if (word === undefined) {
      session.io.error(`Invalid command: ${line} (watch and progress supported)\n`);
    } else if (word === "progress") {
      client.watch.requestProgress(WATCH_OPTIONS);
    } else if (word !== "watch") {
      session.io.error(`Invalid command ${line} (only support watch)\n`);
    } else if (rest.length === 0 && fromEnvironment.length === 0) {
      const message = `Invalid command ${line} (command type or key is not provided)\n`;
      session.io.error(message);
    } else {
      const started = startLine(watching, line, watchOfLine(rest, fromEnvironment));
      const watcher = await Promise.race([started, failed]);
      watcher?.shown.catch(fail);
    }
  }
}

/** Opens the watch of a line and begins to show it. */
async function startLine(
  watching: Watching,
  line: string,
  { range, program, flags }: ReturnType<typeof watchOfLine>,
): Promise<{ readonly shown: Promise<void> } | undefined> {
  let request: Partial<WatchCreateRequest>;
  try {
    request = watchRequest(flags, range);
  } catch (error) {
    if (!(error instanceof ToolExit)) throw error;
    watching.session.io.error(`Invalid command ${line} (${error.shown})\n`);
    return undefined;
  }
  const watcher = await openWatch(watching, request);
  return watcher === undefined ? undefined : { shown: showEvents(watching, watcher, program) };
}

/** The whole lines of standard input, as they come. */
async function* inputLines({ io }: Session): AsyncGenerator<string, void, undefined> {
  let buffered = "";
  for await (const chunk of io.input()) {
    const lines = (buffered + latin1FromBytes(chunk)).split("\n");
    buffered = lines.pop() ?? "";
    yield* lines;
  }
}
