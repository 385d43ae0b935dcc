/**
 * How much memory a member takes, by its metrics.
 *
 * Source: etcd etcdctl/ctlv3/command/util.go (endpointMemoryMetrics).
 */
import { goQuote } from "../../stdx/go-quote.ts";
import { byteString, textOf } from "../byte-text.ts";
import { fetchPage } from "./fetch-page.ts";
import type { Session } from "./session.ts";
import type { TlsFlags } from "../tls-config.ts";

const METRIC = "process_resident_memory_bytes";

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
    text = (await fetchPage(textOf(url), tls)).text;
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
