/** What one commit of the backend carries while a compaction of a whole member goes on. */
import { expect, test } from "vitest";
import { bytesFromLatin1 } from "../src/stdx/bytes.ts";
import { Prng } from "../src/stdx/prng.ts";
import {
  COMPACTION_REMOVALS_PER_COMMIT_MAX,
  COMPACTION_STEP_REVISIONS,
} from "../src/server/limits.ts";
import { InternalRaftRequestOperationField as Operation } from "../src/wire/gen/raft-internal.ts";
import {
  createCompactionRequest,
  createPutRequest,
  encodeCompactionRequest,
  encodePutRequest,
} from "../src/wire/gen/rpc.ts";
import { SimulatedDisk } from "./disk.ts";
import { SimulatedMember } from "./simulated-member.ts";

const KEYS = 100;
const REVISIONS = 3000;

test.each([
  ["", 1000],
  [", without a bound of the slices", -1],
])("no commit carries more removals than it may%s", async (_, compactionBatchLimit) => {
  const member = new SimulatedMember(new SimulatedDisk({ random: new Prng(1) }), 1_000_000);
  const overrides = {
    backendBatchLimit: 10_000,
    backendBatchIntervalMs: 60_000,
    snapshotCount: 1_000_000,
    compactionBatchLimit,
  };
  expect(await member.start(new Prng(2), overrides)).toBe(true);
  let answered = 0;
  const propose = (operation: number, body: Uint8Array): void =>
    member.propose(operation, body, () => {
      answered++;
    });
  for (let count = 0; count < REVISIONS; count++) {
    const key = bytesFromLatin1(`key${count % KEYS}`);
    propose(Operation.put, encodePutRequest(createPutRequest({ key })));
  }
  expect(await member.until(() => answered === REVISIONS)).toBe(true);
  const { applier } = member.host.member;
  let isCommitted = false;
  member.host.current.whenCompacted(() => {
    isCommitted = true;
  });
  expect(await member.until(() => isCommitted)).toBe(true);

  const request = createCompactionRequest({ revision: applier.store.revision });
  propose(Operation.compaction, encodeCompactionRequest(request));
  let changesMax = 0;
  const isDone = (): boolean => {
    changesMax = Math.max(changesMax, applier.backend.pendingChanges);
    return answered > REVISIONS && !applier.store.compactionPending;
  };
  expect(await member.until(isDone)).toBe(true);
  expect(applier.store.compactRevision).toBe(applier.store.revision);
  // Beside the removals, the two marks of the compaction and the position of the log.
  expect(changesMax).toBeLessThan(
    COMPACTION_REMOVALS_PER_COMMIT_MAX + COMPACTION_STEP_REVISIONS + 10,
  );
  expect(changesMax).toBeGreaterThan(COMPACTION_REMOVALS_PER_COMMIT_MAX / 2);
  expect(await member.stop()).toBe(true);
});
