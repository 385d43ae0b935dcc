/**
 * hashkv: the hash of the keys in a file.
 *
 * Source: etcd etcdutl/etcdutl/hashkv_command.go (3.6).
 */
import { fileHash } from "../../snapshot/file-hash.ts";
import { textOf } from "../byte-text.ts";
import { fileHashText } from "../file-answers.ts";
import { readFile } from "../file-tools.ts";
import { outputForm } from "../output-form.ts";
import type { EtcdutlCall, UtlSession } from "./session.ts";

export async function runHashKv(session: UtlSession, { args, flags }: EtcdutlCall): Promise<void> {
  const form = outputForm(flags.getString("write-out"));
  const revision = Number(flags.getInteger("rev"));
  const file = textOf(args[0]);
  const hash = await readFile(session, (environment) => fileHash(environment, file, revision));
  session.io.out(fileHashText(form, hash));
}
