/** Addresses of host names, from whatever this machine asks for them. node:dns is loaded by the first lookup. */
import type { HostLookup } from "../ports/network.ts";

/** Failures are worded as Go's resolver words them, without the server that it asked. */
export const lookUpHost: HostLookup = (host, done) => {
  const { lookup } = process.getBuiltinModule("node:dns");
  lookup(host, { verbatim: true }, (error, address) => {
    if (error === null) done(address);
    else done(new Error(`lookup ${host}: ${REASONS[error.code ?? ""] ?? error.message}`));
  });
};

const REASONS: { readonly [code: string]: string } = {
  ENOTFOUND: "no such host",
  ENODATA: "no such host",
  EAI_AGAIN: "Temporary failure in name resolution",
  ETIMEOUT: "i/o timeout",
};
