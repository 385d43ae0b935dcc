/**
 * Names of addresses and addresses of names, as this machine resolves them. One question at a time: they take a
 * thread of the pool in which the log is made durable.
 */
import dns from "node:dns";
import type { NameLookups } from "../../tls/peer-rules.ts";

type Question = (next: () => void) => void;

const waiting: Question[] = [];
let isAsking = false;

/** Failures are worded as Go's resolver words them, without the server that it asked. */
export const nameLookups: NameLookups = {
  namesOf(address, done) {
    ask((next) => {
      dns.lookupService(address, 0, (error, name) => {
        next();
        // Where there is no name, the address comes back.
        if (error === null) done(name === address ? [] : [name]);
        else done(failure(address, error));
      });
    });
  },
  addressesOf(name, done) {
    ask((next) => {
      dns.lookup(name, { all: true, verbatim: true }, (error, addresses) => {
        next();
        if (error === null) done(addresses.map(({ address }) => address));
        else done(failure(name, error));
      });
    });
  },
};

/** Asks when the questions before are answered. Whoever waits is a handshake, of which there are only so many. */
function ask(question: Question): void {
  waiting.push(question);
  if (!isAsking) askNext();
}

function askNext(): void {
  const question = waiting.shift();
  isAsking = question !== undefined;
  question?.(askNext);
}

function failure(what: string, { code = "", message }: NodeJS.ErrnoException): Error {
  const reason = code === "ENOTFOUND" || code === "ENODATA" ? "no such host" : message;
  return new Error(`lookup ${what}: ${reason}`);
}
