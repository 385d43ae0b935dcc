import { describe, expect, test } from "vitest";
import { Errors } from "../errors/table.ts";
import { LEASE_TTL_SECONDS_MAX } from "./limits.ts";
import { Lessor, NO_LEASE } from "./lessor.ts";

describe("Lessor", () => {
  test("grant raises short times to live and refuses long ones and used ids", () => {
    const lessor = new Lessor(2);
    expect(lessor.grant(1n, 1)).toMatchObject({ id: 1n, ttlSeconds: 2 });
    expect(lessor.grant(2n, 60)).toMatchObject({ id: 2n, ttlSeconds: 60 });
    expect(lessor.grant(1n, 5)).toBe(Errors.LeaseExist);
    expect(lessor.grant(3n, LEASE_TTL_SECONDS_MAX + 1)).toBe(Errors.LeaseTtlTooLarge);
    expect(lessor.size).toBe(2);
  });

  test("attach and detach keep both directions", () => {
    const lessor = new Lessor(2);
    lessor.grant(1n, 10);
    lessor.attach(1n, "a");
    lessor.attach(1n, "b");
    expect(lessor.leaseOf("a")).toBe(1n);
    lessor.detach(1n, "a");
    expect(lessor.leaseOf("a")).toBe(NO_LEASE);
    expect([...(lessor.lease(1n)?.keys ?? [])]).toEqual(["b"]);
    lessor.remove(1n);
    expect(lessor.exists(1n)).toBe(false);
    expect(lessor.leaseOf("b")).toBe(NO_LEASE);
  });

  test("attach to a lease that is gone leaves the key unattached", () => {
    const lessor = new Lessor(2);
    lessor.attach(9n, "a");
    expect(lessor.leaseOf("a")).toBe(NO_LEASE);
  });
});
