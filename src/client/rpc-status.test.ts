import { expect, test } from "vitest";
import { GrpcCode } from "../errors/codes.ts";
import { Errors } from "../errors/table.ts";
import { CANCELLED, DEADLINE_EXCEEDED, errorFromStatus, statusText } from "./rpc-status.ts";

test("statusText names codes, also unknown ones", () => {
  expect(statusText({ code: 14, message: "gone" })).toBe(
    "rpc error: code = Unavailable desc = gone",
  );
  expect(statusText({ code: 99, message: "?" })).toBe("rpc error: code = Code(99) desc = ?");
});

test("errorFromStatus knows every answer of the table by its text, where etcd's client does", () => {
  for (const error of Object.values(Errors)) {
    if (error === Errors.DeadlineExceeded) continue;
    const isKnown = error.message.startsWith("etcdserver: ");
    const shown = isKnown ? error.message : statusText(error);
    expect(errorFromStatus(error, undefined).message).toBe(shown);
    expect(
      errorFromStatus({ code: error.code, message: error.message }, "deadline"),
    ).toBeInstanceOf(Error);
  }
  expect(errorFromStatus(Errors.NoSpace, undefined)).toBe(Errors.NoSpace);
});

test("errorFromStatus tells our own deadline from the server's", () => {
  const status = { code: GrpcCode.DeadlineExceeded, message: "context deadline exceeded" };
  expect(errorFromStatus(status, "deadline")).toBe(DEADLINE_EXCEEDED);
  expect(errorFromStatus(status, undefined).message).toBe(
    "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
  );
  expect(errorFromStatus({ code: GrpcCode.Canceled, message: "x" }, "cancelled")).toBe(CANCELLED);
  expect(errorFromStatus({ code: 77, message: "x" }, undefined).code).toBe(GrpcCode.Unknown);
});
