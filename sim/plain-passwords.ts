/** Passwords without bcrypt: hashes with its form that are made at once, for members in one thread. */
import { sha1 } from "../src/platform/digest.ts";
import type { Clock } from "../src/ports/clock.ts";
import type { PasswordWorkers, SecretDigest } from "../src/ports/passwords.ts";
import { bytesFromUtf8, concatBytes, equalBytes, hexFromBytes } from "../src/stdx/bytes.ts";

function hashOf(password: string): Uint8Array {
  return bytesFromUtf8(`$2a$10$${hexFromBytes(sha1(bytesFromUtf8(password))).padEnd(53, "0")}`);
}

export function plainPasswords(clock: Clock): PasswordWorkers {
  return {
    count: 1,
    hash: (password, _cost, done) => clock.defer(() => done(hashOf(password))),
    compare: (password, hash, done) => clock.defer(() => done(equalBytes(hash, hashOf(password)))),
    close: () => undefined,
  };
}

/** Not secret: simulations keep nothing from each other. */
export const plainDigest: SecretDigest = (parts) =>
  sha1(concatBytes(parts.flatMap((part) => [bytesFromUtf8(`${part.length}:`), part])));
