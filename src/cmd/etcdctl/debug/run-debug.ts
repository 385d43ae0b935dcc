/**
 * debug: a look at a cluster that may be ill, by all its members: a verdict, what is wrong, and what to do. It reads
 * only, and shows no keys, values or secrets.
 *
 * Source: none; etcd's own tools have no such command. What is worth a look and its bounds: etcd's guides
 * (op-guide/monitoring, tuning, hardware) and alert rules.
 */
import { textOf } from "../../byte-text.ts";
import { outputForm, unsupported } from "../../output-form.ts";
import { ProgressBar } from "../../progress-bar.ts";
import { ExitCode, ToolExit } from "../../tool-exit.ts";
import { clientConfig, endpointsOf } from "../client-config.ts";
import { setFlagsFromEnvironment } from "../environment.ts";
import { type EtcdctlCall, milliseconds, type Session } from "../session.ts";
import { assess } from "./assessment.ts";
import { ClusterView, placeOf } from "./cluster-view.ts";
import { EndpointLook, type Look } from "./look.ts";
import { reportJson } from "./report-json.ts";
import { reportText } from "./report-text.ts";

export async function runDebug(session: Session, call: EtcdctlCall): Promise<void> {
  const { io, clock } = session;
  const { flags, command, args } = call;
  if (args.length > 0) {
    const message = `debug command does not accept any arguments; did you mean "etcdctl defrag", or the flag --debug?`;
    throw new ToolExit(ExitCode.BAD_ARGUMENTS, message);
  }
  setFlagsFromEnvironment(command.inheritedFlags, io, clock);
  const form = outputForm(flags.getString("write-out"));
  if (form === "fields" || form === "protobuf") unsupported(form);
  const config = clientConfig(session, flags);
  const given = await endpointsOf(session, flags);
  // What the client library logs of a cluster that is ill is in the report, once and in order.
  const quiet = { ...session, io: { ...io, error: () => undefined } };
  const cluster = await lookAtAll(session, { session: quiet, call, config }, given.map(textOf));
  const assessment = assess(cluster);
  io.out(
    form === "json"
      ? reportJson(cluster, assessment)
      : reportText(cluster, assessment, form === "table"),
  );
  if (assessment.verdict !== "healthy") throw new ToolExit(ExitCode.ERROR, undefined);
}

async function lookAtAll(
  { io, clock }: Session,
  look: Look,
  given: readonly string[],
): Promise<ClusterView> {
  const { flags } = look.call;
  const bar = new ProgressBar(io, clock, (done, total) => `${done} of ${total} endpoints`);
  let done = 0;
  const looks = given.map((endpoint) => new EndpointLook(look, endpoint, true));
  const lookAt = async (some: readonly EndpointLook[]): Promise<void> => {
    bar.show(done, looks.length);
    await Promise.all(
      some.map(async (each) => {
        await each.look();
        bar.show(++done, looks.length);
      }),
    );
  };
  await lookAt([...looks]);
  if (flags.getBool("cluster")) {
    const others = othersOf(looks).map((endpoint) => new EndpointLook(look, endpoint, false));
    looks.push(...others);
    await lookAt(others);
  }
  await sample(look, looks);
  if (flags.getBool("hash")) {
    const revisions = looks.flatMap(({ view }) => view.status?.header?.revision ?? []);
    await Promise.all(looks.map((each) => each.hash(Math.min(...revisions))));
  }
  bar.clear();
  return new ClusterView(
    looks.map(({ view }) => view),
    clock.wallMs(),
  );
}

/** One client URL of each member that has not answered and was not asked. */
function othersOf(looks: readonly EndpointLook[]): string[] {
  const answered = new Set(looks.map(({ view }) => view.status?.header?.memberId));
  const asked = new Set(looks.map(({ view }) => placeOf(view.endpoint)));
  const members = new Map(
    looks.flatMap(({ view }) => (view.members?.members ?? []).map((member) => [member.id, member])),
  );
  return [...members.values()].flatMap(({ id, clientUrls }) => {
    if (answered.has(id) || clientUrls.some((url) => asked.has(placeOf(url)))) return [];
    return clientUrls.slice(0, 1);
  });
}

/** Reads the metrics again after some time: what grew meanwhile is what happens now. */
async function sample({ session, call }: Look, looks: readonly EndpointLook[]): Promise<void> {
  const waitMs = milliseconds(call.flags.getInteger("sample"));
  if (waitMs <= 0 || !looks.some(({ view }) => view.metrics !== undefined)) return;
  await new Promise<void>((resolve) => {
    session.clock.after(waitMs, resolve);
  });
  await Promise.all(looks.map((each) => each.lookAgain()));
}
