import { describe, expect, test } from "vitest";
import { Errors } from "../errors/table.ts";
import { EXPIRY_LOOKS_MAX, LEASE_TTL_SECONDS_MAX } from "./limits.ts";
import { Lessor, NO_LEASE } from "./lessor.ts";

const create = (checkpointSeconds = 0): Lessor =>
  new Lessor({ ttlSecondsMin: 2, checkpointSeconds });

describe("Lessor", () => {
  test("grant raises short times to live and refuses long ones and used ids", () => {
    const lessor = create();
    expect(lessor.grant(1n, 1, 0)).toMatchObject({ id: 1n, ttlSeconds: 2 });
    expect(lessor.grant(2n, 60, 0)).toMatchObject({ id: 2n, ttlSeconds: 60 });
    expect(lessor.grant(1n, 5, 0)).toBe(Errors.LeaseExist);
    expect(lessor.grant(3n, LEASE_TTL_SECONDS_MAX + 1, 0)).toBe(Errors.LeaseTtlTooLarge);
    expect(lessor.grant(NO_LEASE, 5, 0)).toBe(Errors.LeaseNotFound);
    expect(lessor.size).toBe(2);
  });

  test("attach and detach keep both directions", () => {
    const lessor = create();
    lessor.grant(1n, 10, 0);
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

  test("expired finds what has expired behind very many that were renewed, in a bounded time a call", () => {
    const lessor = create();
    lessor.promote(0, 0);
    const count = 2 * EXPIRY_LOOKS_MAX + 1;
    for (let id = 1; id <= count; id++) lessor.grant(BigInt(id), 10, 0);
    lessor.grant(999_999n, 12, 0);
    for (let id = 1; id <= count; id++) expect(lessor.renew(BigInt(id), 4000)).toBe(10);
    const found = [1, 2, 3].map(() => lessor.expired(13_900)?.id);
    expect(found).toEqual([undefined, undefined, 999_999n]);
  });

  test("attach to a lease that is gone leaves the key unattached", () => {
    const lessor = create();
    lessor.attach(9n, "a");
    expect(lessor.leaseOf("a")).toBe(NO_LEASE);
  });
});
