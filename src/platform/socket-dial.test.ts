import net from "node:net";
import { expect, test } from "vitest";
import { DialError, dial } from "./socket-dial.ts";

test("dial connects and hands over a stream", async () => {
  const server = net.createServer((socket) => socket.end("hello"));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const stream = await dial(`127.0.0.1:${port}`, undefined);
  const received = await new Promise<string>((resolve) => {
    let text = "";
    stream.setHandler({
      onBytes: (bytes) => {
        text += Buffer.from(bytes).toString();
      },
      onWritable: () => undefined,
      onClosed: () => resolve(text),
    });
  });
  expect(received).toBe("hello");
  await new Promise((resolve) => server.close(resolve));
});

test.each([
  ["127.0.0.1:1", "dial tcp 127.0.0.1:1: connect: connection refused"],
  [
    "[::1]:1",
    /^dial tcp \[::1\]:1: connect: (?:connection refused|cannot assign requested address)$/,
  ],
  ["127.0.0.1", "dial tcp: address 127.0.0.1: missing port in address"],
  ["a:b:c", "dial tcp: address a:b:c: too many colons in address"],
  ["127.0.0.1:http9", "dial tcp: lookup tcp/http9: unknown port"],
  ["127.0.0.1:70000", "dial tcp: address 70000: invalid port"],
  ["unix:/nonexistent/x", "dial unix /nonexistent/x: connect: no such file or directory"],
  ["unix:///nonexistent/x", "dial unix /nonexistent/x: connect: no such file or directory"],
])("dial says why %s cannot be reached", async (address, message) => {
  const failure = dial(address, undefined);
  await expect(failure).rejects.toBeInstanceOf(DialError);
  await expect(failure).rejects.toThrow(message);
});

test("dial tells a failed handshake from a failed connection", async () => {
  const server = net.createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const tls = { serverName: "a", insecureSkipVerify: true, ca: undefined, cert: undefined };
  await expect(dial(`127.0.0.1:${port}`, { ...tls, key: undefined })).rejects.toMatchObject({
    phase: "handshake",
    message: "EOF",
  });
  await new Promise((resolve) => server.close(resolve));
});
