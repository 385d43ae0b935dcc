/**
 * How much memory a member takes, by its metrics.
 *
 * Source: etcd etcdctl/ctlv3/command/util.go (endpointMemoryMetrics).
 */
import { goQuote } from "../../stdx/go-quote.ts";
import { byteString, textOf } from "../byte-text.ts";
import type { Session } from "./session.ts";
import { readTls, type TlsFlags } from "./tls-config.ts";

const METRIC = "process_resident_memory_bytes";

/** Bytes of metrics that are read; a member has some hundred kilobytes. */
const METRICS_BYTES_MAX = 16 * 1024 * 1024;

/** Bytes in memory of the member behind `endpoint`; 0, and the reason on the output, where they are unknown. */
export async function residentBytes(
  { io }: Session,
  endpoint: string,
  tls: TlsFlags,
): Promise<number> {
  const hasScheme = endpoint.startsWith("http://") || endpoint.startsWith("https://");
  const url = `${hasScheme ? endpoint : `http://${endpoint}`}/metrics`;
  let text: string;
  try {
    text = await fetchText(textOf(url), tls);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    io.out(`fetch error: Get ${goQuote(url)}: ${byteString(error.message)}\n`);
    return 0;
  }
  const line = text.split("\n").findLast((each) => each.startsWith(METRIC));
  const value = line?.slice(METRIC.length).trim() ?? "";
  if (value === "") {
    io.out(`could not find: ${METRIC}\n`);
    return 0;
  }
  const bytes = Number(value);
  if (!Number.isFinite(bytes)) {
    io.out(`parse error: strconv.ParseFloat: parsing ${goQuote(value)}: invalid syntax\n`);
    return 0;
  }
  return bytes;
}

/** The body of a GET, as a byte string. */
function fetchText(url: string, flags: TlsFlags): Promise<string> {
  const isSecure = url.startsWith("https://");
  const { get } = process.getBuiltinModule(isSecure ? "node:https" : "node:http");
  const tls = isSecure ? readTls(flags) : undefined;
  const options = {
    agent: false,
    rejectUnauthorized: tls?.insecureSkipVerify !== true,
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
  };
  return new Promise((resolve, reject) => {
    const request = get(url, options, (response) => {
      let text = "";
      response.setEncoding("latin1");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > METRICS_BYTES_MAX) request.destroy(new Error("body too large"));
      });
      response.on("end", () => resolve(text));
      response.on("error", reject);
    });
    request.on("error", reject);
  });
}
