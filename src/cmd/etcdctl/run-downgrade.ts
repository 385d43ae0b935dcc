/**
 * downgrade validate, downgrade enable and downgrade cancel: the way back to the version before.
 *
 * Source: etcd etcdctl/ctlv3/command/downgrade_command.go, printer_simple.go (3.6).
 */
import { latin1FromBytes } from "../../stdx/bytes.ts";
import {
  DowngradeAction,
  type DowngradeResponse,
  encodeDowngradeResponse,
} from "../../wire/gen/rpc.ts";
import { byteString, textOf } from "../byte-text.ts";
import { type OutputForm, unsupported } from "../output-form.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { connect } from "./client-config.ts";
import { GoJsonObject } from "./go-json.ts";
import { headerJson } from "./print-json.ts";
import { commandDeadlineMs, type EtcdctlCall, orExit, type Session } from "./session.ts";

export async function runDowngradeValidate(session: Session, call: EtcdctlCall): Promise<void> {
  await downgrade(session, call, "validate", targetVersion(call));
}

export async function runDowngradeEnable(session: Session, call: EtcdctlCall): Promise<void> {
  await downgrade(session, call, "enable", targetVersion(call));
}

export async function runDowngradeCancel(session: Session, call: EtcdctlCall): Promise<void> {
  await downgrade(session, call, "cancel", "");
}

const ACTIONS = {
  validate: DowngradeAction.VALIDATE,
  enable: DowngradeAction.ENABLE,
  cancel: DowngradeAction.CANCEL,
};

function targetVersion({ args }: EtcdctlCall): string {
  if (args.length < 1) throw new ToolExit(ExitCode.BAD_ARGUMENTS, "TARGET_VERSION not provided");
  if (args.length > 1) throw new ToolExit(ExitCode.BAD_ARGUMENTS, "too many arguments");
  const [version] = args;
  if (version === "") throw new ToolExit(ExitCode.BAD_ARGUMENTS, "target version not provided");
  return version;
}

async function downgrade(
  session: Session,
  call: EtcdctlCall,
  name: keyof typeof ACTIONS,
  version: string,
): Promise<void> {
  const deadlineMs = commandDeadlineMs(session, call);
  const { client, printer } = await connect(session, call);
  const options = { deadlineMs };
  const answer = client.maintenance.downgrade(ACTIONS[name], textOf(version), options);
  session.io.out(answerText(printer.form, name, await orExit(answer)));
}

function answerText(form: OutputForm, name: string, response: DowngradeResponse): string {
  const version = byteString(response.version);
  switch (form) {
    case "simple":
      return `Downgrade ${name} success, cluster version ${version}\n`;
    case "json": {
      const json = new GoJsonObject().raw("header", headerJson(response.header));
      return `${byteString(json.text("version", response.version).toString())}\n`;
    }
    case "protobuf":
      return latin1FromBytes(encodeDowngradeResponse(response));
    case "fields":
    case "table":
      return unsupported(form);
  }
}
