/** A name server on the loopback interface that knows SRV records and nothing else. */
import dgram from "node:dgram";
import { once } from "node:events";
import type { SrvRecord } from "../../src/ports/network.ts";

export interface DnsServer {
  /** "address:port" for a resolver. */
  readonly address: string;
  close(): void;
}

const TYPE_SRV = 33;
const CLASS_IN = 1;
const RESPONSE_FLAGS = 0x8180;
const NAME_ERROR = 3;
const TTL_SECONDS = 60;
/** A name that stands at the beginning of the question. */
const POINTER_TO_QUESTION = 0xc00c;
const HEADER_BYTES = 12;

/** Answers with `zones` by full name; other names do not exist. */
export async function startDnsServer(
  zones: Readonly<Record<string, readonly SrvRecord[]>>,
): Promise<DnsServer> {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (query, { address, port }) => {
    socket.send(answer(query, zones), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { address: `127.0.0.1:${socket.address().port}`, close: () => socket.close() };
}

function answer(query: Buffer, zones: Readonly<Record<string, readonly SrvRecord[]>>): Buffer {
  const { name, end } = readName(query);
  const question = query.subarray(HEADER_BYTES, end + 4);
  const isSrv = query.readUInt16BE(end) === TYPE_SRV;
  const known = Object.hasOwn(zones, name);
  const records = known && isSrv ? zones[name] : [];
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(RESPONSE_FLAGS | (known ? 0 : NAME_ERROR), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question, ...records.map(recordBytes)]);
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at]; length > 0; length = query[at]) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 1 };
}

function recordBytes({ target, port, priority, weight }: SrvRecord): Buffer {
  const labels = target.split(".").filter((label) => label !== "");
  const name = Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)])),
    Buffer.of(0),
  ]);
  const fixed = Buffer.alloc(18);
  fixed.writeUInt16BE(POINTER_TO_QUESTION, 0);
  fixed.writeUInt16BE(TYPE_SRV, 2);
  fixed.writeUInt16BE(CLASS_IN, 4);
  fixed.writeUInt32BE(TTL_SECONDS, 6);
  fixed.writeUInt16BE(6 + name.length, 10);
  fixed.writeUInt16BE(priority, 12);
  fixed.writeUInt16BE(weight, 14);
  fixed.writeUInt16BE(port, 16);
  return Buffer.concat([fixed, name]);
}
