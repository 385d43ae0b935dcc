import { expect, test } from "vitest";
import { shownValue, shownWords } from "./secret-words.ts";

test("passwords on a command line are not shown, in any way they are given", () => {
  const words = ["etcd", "--discovery-password", "p1", "-discovery-password=p2", "--name", "p3"];
  expect(shownWords(words)).toEqual([
    "etcd",
    "--discovery-password",
    "***",
    "-discovery-password=***",
    "--name",
    "p3",
  ]);
  expect(shownWords(["--discovery-password"])).toEqual(["--discovery-password"]);
});

test("variables whose names say that they are secret are not shown", () => {
  for (const name of ["ETCD_ROOT_PASSWORD", "ETCD_DISCOVERY_PASSWORD", "ETCDCTL_PASSWORD"]) {
    expect(shownValue(name, "p1")).toBe("***");
  }
  for (const name of ["ETCD_NAME", "ETCD_AUTH_TOKEN", "ETCD_INITIAL_CLUSTER_TOKEN"]) {
    expect(shownValue(name, "p1")).toBe("p1");
  }
  expect(shownValue("ETCDCTL_USER", "alice:p1:p2")).toBe("alice:***");
  expect(shownValue("ETCDCTL_USER", "alice")).toBe("alice");
});
