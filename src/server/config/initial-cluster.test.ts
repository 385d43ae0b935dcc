import { describe, expect, test } from "vitest";
import { FlagRefusal } from "../flags/refusal.ts";
import { parseInitialCluster, printInitialCluster } from "./initial-cluster.ts";

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
