/** Spans as a collector gets them: the same from the real etcd and from ours. */
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesFromUtf8, hexFromBytes } from "../../src/stdx/bytes.ts";
import {
  decodeExportTraceServiceRequest,
  type ExportTraceServiceRequest,
  type Span,
} from "../../src/wire/gen/otlp.ts";
import { createPutRequest, createRangeRequest } from "../../src/wire/gen/rpc.ts";
import { encodePutRequest, encodeRangeRequest } from "../../src/wire/gen/rpc.ts";
import { startEtcd } from "../harness/etcd-process.ts";
import { OUR_ETCD } from "../harness/our-etcd.ts";
import { REFERENCE } from "../harness/reference.ts";

const EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";
const asIs = (bytes: Buffer): Buffer => bytes;

/** A collector with an independent implementation of gRPC. */
class Collector {
  readonly requests: ExportTraceServiceRequest[] = [];
  readonly #server = new grpc.Server();
  port = 0;

  async start(): Promise<void> {
    const method = {
      path: EXPORT,
      requestStream: false,
      responseStream: false,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    };
    this.#server.addService(
      { export: method },
      {
        export: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
          this.requests.push(decodeExportTraceServiceRequest(call.request));
          done(null, Buffer.alloc(0));
        },
      },
    );
    this.port = await new Promise((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure();
      this.#server.bindAsync("127.0.0.1:0", credentials, (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

/** Makes calls, some of them as part of a trace, with an independent client. */
async function makeCalls(endpoint: string): Promise<void> {
  const client = new grpc.Client(endpoint, grpc.credentials.createInsecure());
  const call = (path: string, body: Uint8Array, flags?: string): Promise<void> =>
    new Promise((resolve) => {
      const metadata = new grpc.Metadata();
      if (flags !== undefined) metadata.set("traceparent", `00-${TRACE}-${PARENT}-${flags}`);
      client.makeUnaryRequest(path, asIs, asIs, Buffer.from(body), metadata, () => resolve());
    });
  const key = bytesFromUtf8("key");
  await call("/etcdserverpb.KV/Put", encodePutRequest(createPutRequest({ key, value: key })), "01");
  await call("/etcdserverpb.KV/Put", encodePutRequest(createPutRequest({})));
  await call("/etcdserverpb.KV/Range", encodeRangeRequest(createRangeRequest({ key })), "00");
  await call("/etcdserverpb.KV/Range", encodeRangeRequest(createRangeRequest({ key })));
  client.close();
}

/** What is the same in every run. */
function comparable(span: Span): unknown {
  const attributes = span.attributes.map(({ key, value }) => [
    key,
    key === "net.sock.peer.port" ? "port" : value?.value?.value,
  ]);
  const isKnown = hexFromBytes(span.traceId) === TRACE;
  expect(span.traceId).toHaveLength(16);
  expect(span.spanId).toHaveLength(8);
  expect(span.endTimeUnixNano).toBeGreaterThan(span.startTimeUnixNano);
  return {
    trace: isKnown ? TRACE : "new",
    parent: hexFromBytes(span.parentSpanId),
    name: span.name,
    kind: span.kind,
    flags: span.flags,
    status: span.status,
    attributes,
  };
}

describe("tracing", { timeout: 60_000 }, () => {
  const collector = new Collector();

  beforeAll(() => collector.start());
  afterAll(() => collector.stop());

  async function spansOf(command: readonly string[]): Promise<unknown> {
    collector.requests.length = 0;
    const server = await startEtcd({
      command,
      flags: [
        "--experimental-enable-distributed-tracing",
        `--experimental-distributed-tracing-address=127.0.0.1:${collector.port}`,
        "--experimental-distributed-tracing-instance-id=first",
        "--experimental-distributed-tracing-sampling-rate=1000000",
      ],
    });
    await makeCalls(server.endpoint);
    // What waits is sent at the end.
    await server.stop("SIGTERM");
    await server.remove();
    const resources = collector.requests.flatMap(({ resourceSpans }) => resourceSpans);
    const spans = resources.flatMap(({ scopeSpans }) => scopeSpans.flatMap((each) => each.spans));
    const named = resources[0]?.resource?.attributes.map(({ key, value }) => [
      key,
      value?.value?.value,
    ]);
    return { resource: named, spans: spans.map(comparable) };
  }

  test("ours tells of each sampled call", async () => {
    const told = await spansOf(OUR_ETCD);
    expect(told).toMatchObject({
      resource: [
        ["service.instance.id", "first"],
        ["service.name", "etcd"],
      ],
      spans: [
        { trace: TRACE, parent: PARENT, name: "etcdserverpb.KV/Put" },
        { trace: "new", parent: "", name: "etcdserverpb.KV/Put" },
        { trace: "new", parent: "", name: "etcdserverpb.KV/Range" },
      ],
    });
  });

  test.skipIf(REFERENCE === undefined)("as the real one does", async () => {
    const real = await spansOf([`${REFERENCE}/etcd`]);
    expect(await spansOf(OUR_ETCD)).toEqual(real);
  });
});
