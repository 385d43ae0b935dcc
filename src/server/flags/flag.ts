/** What one flag is: kind, default, group and help. The tables of flags are made of these. */
import { assert } from "../../stdx/assert.ts";
import { parseServerUrls, type ServerUrl } from "../config/server-url.ts";
import type { FlagKind } from "./kinds.ts";
import { FlagRefusal } from "./refusal.ts";

/** Headings of the help text, in order. */
export const FLAG_GROUPS = [
  "Member",
  "Clustering",
  "Security",
  "Auth",
  "Profiling and Monitoring",
  "Logging",
  "Distributed tracing",
  "Experimental distributed tracing",
  "v2 Proxy (to be deprecated in v3.6)",
  "Experimental feature",
  "Unsafe feature",
] as const;

export type FlagGroup = (typeof FLAG_GROUPS)[number];

export interface Flag<T> {
  readonly group: FlagGroup;
  readonly kind: FlagKind<T>;
  readonly initial: T;
  /** The default as the help shows it. */
  readonly shown: string;
  /** Lines of the help text. */
  readonly help: readonly string[];
  /** Whether it is a key of configuration files alone: no flag and no variable. */
  readonly isOnlyInFiles?: boolean;
}

export function flag<T>(
  group: FlagGroup,
  kind: FlagKind<T>,
  initial: T,
  shown: string,
  ...help: readonly string[]
): Flag<T> {
  return { group, kind, initial, shown, help };
}

/** What only a configuration file can say. */
export function fileKey<T>(group: FlagGroup, kind: FlagKind<T>, initial: T, help: string): Flag<T> {
  return { group, kind, initial, shown: "", help: [help], isOnlyInFiles: true };
}

/** A default list of URLs. */
export function url(text: string): readonly ServerUrl[] {
  const list = parseServerUrls(text);
  assert(!(list instanceof FlagRefusal), () => `Cannot read the default URL "${text}"`);
  return list;
}
