import { describe, expect, test } from "vitest";
import { MemoryLog } from "../../sim/memory-log.ts";
import { nextClusterVersion, oldestServer, type VersionsOfMembers } from "./cluster-version.ts";
import { NO_DOWNGRADE } from "./downgrade.ts";
import { parseVersion } from "./version.ts";

const versionsOf = (...servers: (string | undefined)[]): VersionsOfMembers =>
  new Map(
    servers.map((server, at) => [
      BigInt(at + 1),
      server === undefined ? undefined : { server, cluster: "not_decided" },
    ]),
  );

describe("oldestServer", () => {
  test.each([
    [["3.5.16"], "3.5.16"],
    [["3.5.16", "3.4.30", "3.5.1"], "3.4.30"],
    [["3.5.16", "3.6.2"], "3.5.16"],
    [["3.5.16", undefined], undefined],
    [["3.5.16", "x"], undefined],
    [["3.5.16", "3.5.0-alpha.1+git"], "3.5.0"],
  ])("%j: %s", (servers, expected) => {
    const oldest = oldestServer("3.5.16", versionsOf(...servers), new MemoryLog());
    expect(oldest).toEqual(expected && parseVersion(expected));
  });

  test("tells of members that are newer than the leader", () => {
    const log = new MemoryLog();
    oldestServer("3.5.16", versionsOf("3.5.16", "3.5.30", "3.6.2"), log);
    expect(log.lines.map(({ message }) => message)).toEqual([
      "leader found higher-versioned member",
    ]);
  });
});

describe("nextClusterVersion", () => {
  const to = (targetVersion: string) => ({ enabled: true, targetVersion });

  test.each([
    // A new cluster begins with what is known of all, or with the oldest there is.
    [undefined, NO_DOWNGRADE, "3.5.16", "3.5.0"],
    [undefined, NO_DOWNGRADE, undefined, "3.0.0"],
    // It is raised, and does not go back.
    ["3.0.0", NO_DOWNGRADE, "3.5.16", "3.5.0"],
    ["3.4.0", NO_DOWNGRADE, "3.5.16", "3.5.0"],
    ["3.5.0", NO_DOWNGRADE, "3.5.16", undefined],
    ["3.5.0", NO_DOWNGRADE, "3.4.30", undefined],
    ["3.5.0", NO_DOWNGRADE, undefined, undefined],
    ["3.5.0", NO_DOWNGRADE, "4.0.0", undefined],
    // But for a downgrade to just that version.
    ["3.5.0", to("3.4.0"), "3.4.30", "3.4.0"],
    ["3.5.0", to("3.4.0"), "3.5.16", undefined],
    ["3.5.0", to("3.3.0"), "3.3.9", undefined],
    ["3.5.0", to("3.4.0"), "3.3.9", undefined],
  ])("of %s, downgrade %j, oldest member %s: %s", (version, downgrade, oldest, expected) => {
    const known = oldest === undefined ? undefined : parseVersion(oldest);
    const next = nextClusterVersion({ version, downgrade }, known);
    expect(next).toBe(expected);
  });
});
