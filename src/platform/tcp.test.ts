import net from "node:net";
import { expect, test } from "vitest";
import { dial } from "./socket-dial.ts";

const PIECE_BYTES = 50_000;
const PIECES = 400;

/** Reads nothing for a while, then everything; resolves with what came, at the end. */
async function slowReader(): Promise<{ port: number; received: Promise<Buffer>; close(): void }> {
  let done: (bytes: Buffer) => void = () => undefined;
  const received = new Promise<Buffer>((resolve) => {
    done = resolve;
  });
  const server = net.createServer({ pauseOnConnect: true }, (socket) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => done(Buffer.concat(chunks)));
    setTimeout(() => socket.resume(), 50);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return { port, received, close: () => server.close() };
}

test("memory that was written whole may be used again, and only then", async () => {
  const reader = await slowReader();
  const stream = await dial(`127.0.0.1:${reader.port}`, undefined);
  let onWritable: () => void = () => undefined;
  stream.setHandler({
    onBytes: () => undefined,
    onWritable: () => onWritable(),
    onClosed: () => undefined,
  });
  let memory = new Uint8Array(PIECE_BYTES);
  let usedAgain = 0;
  let waited = 0;
  for (let piece = 0; piece < PIECES; piece++) {
    memory.fill(piece % 251);
    const goOn = stream.write(memory);
    if (stream.writtenWhole) usedAgain++;
    else memory = new Uint8Array(PIECE_BYTES);
    if (goOn) continue;
    waited++;
    await new Promise<void>((resolve) => {
      onWritable = resolve;
    });
  }
  stream.end();
  const received = await reader.received;
  reader.close();
  expect(received.length).toBe(PIECE_BYTES * PIECES);
  for (let piece = 0; piece < PIECES; piece++) {
    const bytes = received.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES);
    expect(bytes.every((byte) => byte === piece % 251)).toBe(true);
  }
  expect(usedAgain).toBeGreaterThan(0);
  expect(waited).toBeGreaterThan(0);
});
