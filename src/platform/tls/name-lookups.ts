/** Names of addresses and addresses of names, as this machine resolves them. */
import dns from "node:dns";
import type { NameLookups } from "../../tls/peer-rules.ts";

/** Failures are worded as Go's resolver words them, without the server that it asked. */
export const nameLookups: NameLookups = {
  namesOf(address, done) {
    dns.lookupService(address, 0, (error, name) => {
      // Where there is no name, the address comes back.
      if (error === null) done(name === address ? [] : [name]);
      else done(failure(address, error));
    });
  },
  addressesOf(name, done) {
    dns.lookup(name, { all: true, verbatim: true }, (error, addresses) => {
      if (error === null) done(addresses.map(({ address }) => address));
      else done(failure(name, error));
    });
  },
};

function failure(what: string, { code = "", message }: NodeJS.ErrnoException): Error {
  const reason = code === "ENOTFOUND" || code === "ENODATA" ? "no such host" : message;
  return new Error(`lookup ${what}: ${reason}`);
}
