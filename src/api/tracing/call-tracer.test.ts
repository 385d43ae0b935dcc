import { describe, expect, test } from "vitest";
import { bytesFromHex } from "../../stdx/bytes.ts";
import { isInSample } from "./call-tracer.ts";
import { parseTraceContext } from "./trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

describe("parseTraceContext", () => {
  test("reads ids, the sampled bit and the state", () => {
    expect(parseTraceContext(`00-${TRACE}-${SPAN}-01`, "a=1")).toEqual({
      traceId: bytesFromHex(TRACE),
      spanId: bytesFromHex(SPAN),
      isSampled: true,
      state: "a=1",
    });
    expect(parseTraceContext(`00-${TRACE}-${SPAN}-00`, undefined)?.isSampled).toBe(false);
  });

  test("lets later versions say more", () => {
    expect(parseTraceContext(`cc-${TRACE}-${SPAN}-0d-more`, undefined)?.isSampled).toBe(true);
  });

  test.each([
    undefined,
    "",
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-04`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE}-${SPAN}`,
  ])("takes no notice of %j", (parent) => {
    expect(parseTraceContext(parent, undefined)).toBeUndefined();
  });

  test("drops a state that is too long or not printable", () => {
    expect(parseTraceContext(`00-${TRACE}-${SPAN}-01`, "a".repeat(513))?.state).toBe("");
    expect(parseTraceContext(`00-${TRACE}-${SPAN}-01`, "a=\u00e9")?.state).toBe("");
  });
});

describe("isInSample", () => {
  const traceOf = (upper: string): Uint8Array =>
    bytesFromHex(`${"0".repeat(16)}${upper}`) ?? SPAN_0;
  const SPAN_0 = new Uint8Array(16);

  test("takes all of a million, none of none, and the lowest ids of what is between", () => {
    expect(isInSample(traceOf("ffffffffffffffff"), 1_000_000)).toBe(true);
    expect(isInSample(traceOf("0000000000000000"), 0)).toBe(false);
    // Half of all: those with the first bit not set.
    expect(isInSample(traceOf("7fffffffffffffff"), 500_000)).toBe(true);
    expect(isInSample(traceOf("8000000000000000"), 500_000)).toBe(false);
  });
});
