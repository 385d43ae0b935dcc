/**
 * txn: three sections of lines from standard input, each ended by an empty line: comparisons, requests for
 * success, requests for failure.
 *
 * Source: etcd etcdctl/ctlv3/command/txn_command.go.
 */
import { latin1FromBytes } from "../../stdx/bytes.ts";
import {
  type Compare,
  createRequestOp,
  type RequestOp,
  type RequestOpRequest,
} from "../../wire/gen/rpc.ts";
import { type Call, Command, type CommandSpec } from "../command.ts";
import { FlagError } from "../pflag.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import type { ToolIo } from "../tool-io.ts";
import { plainUsagePage } from "../usage.ts";
import { connect } from "./client-config.ts";
import { delSpec, getSpec, putSpec } from "./key-flags.ts";
import { deleteRequest, putRequest, rangeRequest } from "./requests.ts";
import { type EtcdctlCall, orExit, type Session } from "./session.ts";
import { parseCompare, splitWords } from "./txn-words.ts";

export async function runTxn(session: Session, call: EtcdctlCall): Promise<void> {
  const { io } = session;
  if (call.args.length > 0) {
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, "txn command does not accept argument");
  }
  const { client, printer } = await connect(session, call);
  const lines = new InputLines(io);
  const prompt = (text: string): void => {
    if (call.flags.getBool("interactive")) io.out(`${text}\n`);
  };
  prompt("compares:");
  const compare: Compare[] = lines.section(parseCompare);
  prompt("success requests (get, put, del):");
  const success = lines.section((line) => parseRequest(line, io));
  prompt("failure requests (get, put, del):");
  const failure = lines.section((line) => parseRequest(line, io));
  printer.txn(await orExit(client.kv.txn({ compare, success, failure })));
}

/** Bytes taken from standard input at once: what a put without a value reads begins behind them. */
const CHUNK_BYTES = 4096;

class InputLines {
  readonly #io: ToolIo;
  #buffered = "";

  constructor(io: ToolIo) {
    this.#io = io;
  }

  /**
   * Parses the lines up to the next empty one, each as it comes and without blanks around it. Input that
   * ends before ends the tool.
   */
  section<T>(parse: (line: string) => T): T[] {
    const parsed: T[] = [];
    for (;;) {
      const line = this.#line().replace(BLANKS_AROUND, "");
      if (line === "") return parsed;
      parsed.push(parse(line));
    }
  }

  #line(): string {
    for (;;) {
      const end = this.#buffered.indexOf("\n");
      if (end >= 0) {
        const line = this.#buffered.slice(0, end);
        this.#buffered = this.#buffered.slice(end + 1);
        return line;
      }
      const chunk = this.#io.read(CHUNK_BYTES);
      if (chunk.length === 0) throw new ToolExit(ExitCode.INVALID_INPUT, "EOF");
      this.#buffered += latin1FromBytes(chunk);
    }
  }
}

/** White space of ASCII and Latin-1, the latter in UTF-8. */
const BLANKS_AROUND = /^(?:[\t\n\v\f\r ]|\xc2[\x85\xa0])+|(?:[\t\n\v\f\r ]|\xc2[\x85\xa0])+$/g;

/** Reads one get, put or del with its flags. */
function parseRequest(line: string, io: ToolIo): RequestOp {
  const words = splitWords(line);
  if (words.length < 2) {
    throw new ToolExit(ExitCode.INVALID_INPUT, `invalid txn compare request: ${line}`);
  }
  const invalid = new ToolExit(ExitCode.INVALID_INPUT, `invalid txn request: ${line}`);
  const commands = requestCommands();
  const found = commands.find(words);
  if (found instanceof FlagError) throw invalid;
  const call = found.command.parse(found.rest);
  if (call instanceof FlagError) {
    // The flag library explains itself: help on the output, a mistake on the error stream.
    const page = plainUsagePage(found.command);
    if (call.isHelp) io.out(`${found.command.spec.short}\n\n${page}`);
    else io.error(`${page}\n`);
    throw invalid;
  }
  const results: RequestOpRequest[] = [];
  void call.command.spec.run?.({ io, results }, call);
  return createRequestOp({ request: results[0] });
}

interface LineContext {
  readonly io: ToolIo;
  readonly results: RequestOpRequest[];
}

type LineCall = Call<LineContext>;

/** The commands of a line, with fresh flags: one line's flags do not reach the next. */
function requestCommands(): Command<LineContext> {
  const get: CommandSpec<LineContext> = {
    ...getSpec(),
    run: ({ results }, { flags, args }: LineCall) => {
      results.push({ case: "requestRange", value: rangeRequest(flags, args) });
    },
  };
  const put: CommandSpec<LineContext> = {
    ...putSpec(),
    run: ({ io, results }, { flags, args }: LineCall) => {
      results.push({ case: "requestPut", value: putRequest(flags, args, io) });
    },
  };
  const del: CommandSpec<LineContext> = {
    ...delSpec(),
    run: ({ io, results }, { flags, args }: LineCall) => {
      results.push({ case: "requestDeleteRange", value: deleteRequest(flags, args, io) });
    },
  };
  return new Command<LineContext>({ use: "", short: "", commands: [put, get, del] });
}
