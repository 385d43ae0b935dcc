import { describe, expect, test } from "vitest";
import { configFromFlags, type ServerConfig } from "./config.ts";
import { FlagRefusal } from "./flag-refusal.ts";
import { initialFlagValues } from "./flags.ts";
import { parseInitialCluster, printInitialCluster, verifyBootstrap } from "./initial-cluster.ts";

const DEFAULTS: ServerConfig = configFromFlags(initialFlagValues(), "info");

describe("parseInitialCluster", () => {
  test("gathers the URLs of a name and skips empty parts", () => {
    const cluster = parseInitialCluster("b=http://b:1,a=http://a:2,,a=http://a:1,");
    if (cluster instanceof FlagRefusal) throw cluster;
    expect([...cluster.keys()]).toEqual(["a", "b"]);
    expect(printInitialCluster(cluster)).toBe("a=http://a:1,a=http://a:2,b=http://b:1");
  });

  test("refuses a URL that is none", () => {
    expect(parseInitialCluster("a")).toBeInstanceOf(FlagRefusal);
    expect(parseInitialCluster("a=b")).toBeInstanceOf(FlagRefusal);
  });
});

describe("verifyBootstrap", () => {
  test("accepts the defaults as a cluster of one", () => {
    const cluster = verifyBootstrap(DEFAULTS);
    if (cluster instanceof FlagRefusal) throw cluster;
    expect(printInitialCluster(cluster)).toBe(DEFAULTS.initialCluster);
  });

  test("refuses other members, and joining", () => {
    const two = `${DEFAULTS.initialCluster},b=http://b:2380`;
    expect(verifyBootstrap({ ...DEFAULTS, initialCluster: two })).toMatchObject({
      message: expect.stringContaining(
        "--initial-cluster with 2 members is not supported",
      ) as string,
    });
    expect(verifyBootstrap({ ...DEFAULTS, initialClusterState: "existing" })).toMatchObject({
      message: expect.stringContaining("--initial-cluster-state=existing") as string,
    });
  });
});
