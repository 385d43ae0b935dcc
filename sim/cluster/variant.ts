/**
 * A deliberately broken member: the same code, with one part of it replaced on its way in. For tests of the
 * checkers, which must notice.
 */
import type { Environment, OpenedMember } from "../../src/server/start/bootstrap.ts";

export interface Variant {
  /** Replaces ports: a disk that lies, a network that hands out what it should not. */
  readonly environment?: (environment: Environment) => Environment;
  /** Replaces, or changes, what was opened before it runs: methods of the member or of its log. */
  readonly opened?: (opened: OpenedMember, environment: Environment) => OpenedMember;
}

/** The member as it is. */
export const SOUND: Variant = {};
