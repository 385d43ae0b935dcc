/** `/version`. Source: etcd server/etcdserver/api/etcdhttp (version.go). */
import type { HttpServerRequest } from "../../ports/http.ts";
import type { ServiceContext } from "../context.ts";
import { answerText, hasMethod } from "./answers.ts";

/** Tells the version of this member and the one that the cluster has agreed on. */
export function serveVersion(context: ServiceContext, request: HttpServerRequest): void {
  if (!hasMethod(request, "GET")) return;
  const cluster = context.member.applier.cluster.version ?? "not_decided";
  const text = JSON.stringify({ etcdserver: context.serverVersion, etcdcluster: cluster });
  answerText(request, 200, { "Content-Type": "application/json" }, text);
}
