/** The long operations of maintenance, as a client asks for them; each resolves when the server is done. */
import {
  decodeRangeResponse,
  decodeSnapshotResponse,
  encodeCompactionRequest,
} from "../../dist/wire/gen/rpc.js";
import { keyOf, RANGE, rangeBody } from "../client/bodies.mjs";
import { describeStatus, openConnection } from "../client/connection.mjs";

const NOTHING = new Uint8Array(0);

async function withConnection(port, use) {
  let fail = () => {};
  const lost = new Promise((_resolve, reject) => (fail = reject));
  const connection = await openConnection(port, (reason) =>
    fail(new Error(`connection closed: ${reason}`)),
  );
  try {
    return await Promise.race([use(connection), lost]);
  } finally {
    connection.close();
  }
}

/** Reads a whole snapshot and throws it away; returns its bytes. */
export function takeSnapshot(port) {
  return withConnection(
    port,
    (connection) =>
      new Promise((resolve, reject) => {
        let bytes = 0;
        const call = connection.stream("/etcdserverpb.Maintenance/Snapshot", {
          onMessage(_call, message) {
            bytes += decodeSnapshotResponse(message).blob.length;
          },
          onStatus(_call, status) {
            if (status.code === 0) resolve(bytes);
            else reject(new Error(`snapshot: ${describeStatus(status)}`));
          },
        });
        call.sendMessage(NOTHING);
        call.halfClose();
      }),
  );
}

/** Compacts everything up to now, and waits until it is gone from the database. */
export function compact(port) {
  return withConnection(port, async (connection) => {
    const answer = await connection.ask(RANGE, rangeBody(keyOf("bench/", 0)));
    const { revision } = decodeRangeResponse(answer).header;
    const body = encodeCompactionRequest({ revision, physical: true });
    await connection.ask("/etcdserverpb.KV/Compact", body);
  });
}

export function defragment(port) {
  return withConnection(port, (connection) =>
    connection.ask("/etcdserverpb.Maintenance/Defragment", NOTHING),
  );
}
