import { expect, test } from "vitest";
import { MetricsPage } from "./metrics-page.ts";
import { slowCallsOf } from "./slow-calls.ts";

const PAGE = `# HELP writes_total help
# TYPE writes_total counter
writes_total 100
calls_total{method="a",x="1"} 3
calls_total{method="b"} 4
seconds_bucket{to="1",le="0.1"} 98
seconds_bucket{to="1",le="1"} 99
seconds_bucket{to="1",le="+Inf"} 100
seconds_bucket{to="2",le="0.1"} 100
seconds_bucket{to="2",le="1"} 100
seconds_bucket{to="2",le="+Inf"} 100
empty_bucket{le="+Inf"} 0
late_bucket{le="1"} 1
late_bucket{le="+Inf"} 100
`;

test("MetricsPage sums over labels, and knows what it has not", () => {
  const page = new MetricsPage(PAGE, 0);
  expect(page.value("writes_total")).toBe(100);
  expect(page.value("calls_total")).toBe(7);
  expect(page.value("missing")).toBeUndefined();
});

test("MetricsPage finds quantiles over all labels", () => {
  const page = new MetricsPage(PAGE, 0);
  expect(page.quantile("seconds", 0.99)).toBe(0.1);
  expect(page.quantile("seconds", 0.995)).toBe(1);
  expect(page.quantile("late", 0.99)).toBe(Number.POSITIVE_INFINITY);
  expect(page.quantile("empty", 0.99)).toBeUndefined();
  expect(page.quantile("missing", 0.99)).toBeUndefined();
});

test("MetricsPage tells growth per second, and none where a counter began anew", () => {
  const before = new MetricsPage("writes_total 50\n", 1000);
  expect(new MetricsPage("writes_total 150\n", 3000).perSecond("writes_total", before)).toBe(50);
  const restarted = new MetricsPage("writes_total 1\n", 3000);
  expect(restarted.perSecond("writes_total", before)).toBeUndefined();
});

test("slowCallsOf reads the table of either server, and nothing else of the page", () => {
  const ours = `<tr><td class="family">grpc.Recv.KV</td><td><a href="">[≥0s 2]</a></td><td><a href="">[≥1s 1]</a></td></tr>
    <tr><td class="family">grpc.Recv.Watch</td><td><a href="">[≥0.5s 2]</a></td><td><a href="">[≥1s]</a></td></tr>`;
  expect(slowCallsOf(ours)).toEqual(["grpc.Recv.KV"]);
  const real = `<td class="family">grpc.Recv.etcdserverpb.KV</td><td >
    <a href="?fam=x&b=0">
    [≥0s]
    </a></td><td class="empty">
    [≥1s]
    </td><td ><a href="?b=6">
    [≥10s]
    </a></td>
    <td class="family">grpc.Recv.etcdserverpb.Lease</td><td class="empty">
    [≥1s]
    </td>`;
  expect(slowCallsOf(real)).toEqual(["grpc.Recv.etcdserverpb.KV"]);
  expect(slowCallsOf("<html></html>")).toEqual([]);
});
