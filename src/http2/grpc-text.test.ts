import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesFromHex } from "../stdx/bytes.ts";
import { decodeGrpcMessage, encodeGrpcMessage } from "./grpc-message.ts";
import { decodeBinaryValue, wireMetadata } from "./grpc-metadata.ts";
import { formatGrpcTimeout, parseGrpcTimeout } from "./grpc-timeout.ts";
import { OutBuffer } from "./out-buffer.ts";
import { errorCodeName } from "./protocol.ts";

describe("grpc-message", () => {
  test("encodeGrpcMessage gives printable ASCII, decodeGrpcMessage undoes it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const value = encodeGrpcMessage(text);
        expect(value).toMatch(/^[ -~]*$/);
        expect(decodeGrpcMessage(value)).toBe(Buffer.from(text).toString());
      }),
    );
  });

  test.each([
    ["%", "%"],
    ["%4", "%4"],
    ["%zz", "%zz"],
    ["100%25", "100%"],
    ["%E4%BD%A0", "你"],
    ["a%2", "a%2"],
  ])("decodeGrpcMessage of %j is %j", (value, text) => {
    expect(decodeGrpcMessage(value)).toBe(text);
  });
});

describe("grpc-timeout", () => {
  test.each([
    ["1H", 3_600_000],
    ["2M", 120_000],
    ["3S", 3000],
    ["4m", 4],
    ["5u", 0.005],
    ["6n", 0.000006],
    ["99999999H", 99_999_999 * 3_600_000],
    ["-1S", -1000],
  ])("parseGrpcTimeout of %s", (text, milliseconds) => {
    expect(parseGrpcTimeout(text)).toBeCloseTo(milliseconds, 9);
  });

  test("formatGrpcTimeout never promises less time than there is, nor ten percent more", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 3e14, noNaN: true }), (timeoutMs) => {
        const parsed = parseGrpcTimeout(formatGrpcTimeout(timeoutMs));
        expect(parsed).toBeGreaterThanOrEqual(timeoutMs * (1 - 1e-12));
        expect(parsed).toBeLessThanOrEqual(timeoutMs * 1.1 + 0.001);
      }),
    );
    expect(formatGrpcTimeout(0)).toBe("0n");
    expect(formatGrpcTimeout(-5)).toBe("0n");
    expect(parseGrpcTimeout(formatGrpcTimeout(1e300))).toBe(99_999_999 * 3_600_000);
  });
});

test("binary metadata: sent without padding, read with or without", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (value) => {
      const [field] = wireMetadata([{ name: "k-bin", value }]);
      expect(field.value).not.toContain("=");
      expect(decodeBinaryValue(field.value)).toEqual(value);
      const padded = Buffer.from(value).toString("base64");
      expect(decodeBinaryValue(padded)).toEqual(value);
    }),
  );
  expect(decodeBinaryValue("abcde")).toBe(4);
});

test("errorCodeName names what RFC 9113 section 7 names", () => {
  expect(errorCodeName(0)).toBe("NO_ERROR");
  expect(errorCodeName(13)).toBe("HTTP_1_1_REQUIRED");
  expect(errorCodeName(14)).toBe("unknown error code 0xe");
});

describe("OutBuffer", () => {
  test("what is appended is taken, once, whatever the sizes", () => {
    const pieces = fc.array(fc.tuple(fc.uint8Array({ maxLength: 3000 }), fc.boolean()));
    fc.assert(
      fc.property(pieces, (steps) => {
        const out = new OutBuffer();
        const given: Uint8Array[] = [];
        const taken: Uint8Array[] = [];
        for (const [bytes, take] of steps) {
          out.append(bytes, 0, bytes.length);
          given.push(bytes);
          if (!take) continue;
          const each = out.take();
          if (each !== undefined) taken.push(each);
          expect(out.length).toBe(0);
        }
        taken.push(out.take() ?? new Uint8Array(0));
        // Compared at the end, so that a later write into what was given away would show.
        expect(Buffer.concat(taken).equals(Buffer.concat(given))).toBe(true);
      }),
    );
  });

  test("take of nothing is undefined, and release keeps nothing", () => {
    const out = new OutBuffer();
    expect(out.take()).toBeUndefined();
    out.append(bytesFromHex("0102") ?? new Uint8Array(0), 1, 2);
    expect(out.take()).toEqual(new Uint8Array([2]));
    out.release();
    expect(out.bytes.length).toBe(0);
  });
});
