import { expect, test } from "vitest";
import { metricsPage } from "./metrics-page.ts";

test.each([
  [22_695_936, "2.2695936e+07"],
  [1_000_000, "1e+06"],
  [999_999, "999999"],
  [12_884_901_888, "1.2884901888e+10"],
])("metricsPage shows %d bytes as Go does", (bytes, shown) => {
  expect(metricsPage(bytes)).toBe(
    "# HELP process_resident_memory_bytes Resident memory size in bytes.\n" +
      "# TYPE process_resident_memory_bytes gauge\n" +
      `process_resident_memory_bytes ${shown}\n`,
  );
});
