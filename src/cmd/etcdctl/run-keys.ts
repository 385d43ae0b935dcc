/**
 * get, put, del and compaction.
 *
 * Source: etcd etcdctl/ctlv3/command/{get,put,del,compaction}_command.go.
 */
import { GoNumberError, parseGoInt64 } from "../../stdx/go-number.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { connect } from "./client-config.ts";
import { deleteRequest, putRequest, rangeRequest, safeNumber } from "./requests.ts";
import { commandDeadlineMs, type EtcdctlCall, orExit, type Session } from "./session.ts";

export async function runGet(session: Session, call: EtcdctlCall): Promise<void> {
  const { flags } = call;
  const request = rangeRequest(flags, call.args);
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  const response = await orExit(client.kv.range(request, { deadlineMs }));
  if (flags.getBool("count-only") && printer.form !== "fields") {
    const message = "--count-only is only for `--write-out=fields`";
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, message);
  }
  const valuesOnly = flags.getBool("print-value-only");
  if (valuesOnly && printer.form !== "simple") {
    const message = "print-value-only is only for `--write-out=simple`";
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, message);
  }
  printer.get(response, valuesOnly);
}

export async function runPut(session: Session, call: EtcdctlCall): Promise<void> {
  const request = putRequest(call.flags, call.args, session.io);
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  printer.put(await orExit(client.kv.put(request, { deadlineMs })));
}

export async function runDel(session: Session, call: EtcdctlCall): Promise<void> {
  const request = deleteRequest(call.flags, call.args, session.io);
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  printer.delete(await orExit(client.kv.deleteRange(request, { deadlineMs })));
}

export async function runCompaction(session: Session, call: EtcdctlCall): Promise<void> {
  const { args } = call;
  if (args.length !== 1) {
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, "compaction command needs 1 argument");
  }
  const revision = parseGoInt64(args[0], 10);
  if (revision instanceof GoNumberError) throw new ToolExit(ExitCode.ERROR, revision.message);
  const physical = call.flags.getBool("physical");
  const { client } = await connect(session, call);
  const deadlineMs = commandDeadlineMs(session, call);
  await orExit(client.kv.compact({ revision: safeNumber(revision), physical }, { deadlineMs }));
  session.io.out(`compacted revision ${revision}\n`);
}
