/**
 * Answers about leases in every form.
 *
 * Source: etcd etcdctl/ctlv3/command/printer_{simple,fields,json,protobuf,table}.go.
 */
import { latin1FromBytes } from "../../stdx/bytes.ts";
import { createResponseHeader, encodeResponseHeader } from "../../wire/gen/rpc.ts";
import type {
  LeaseGrantResponse,
  LeaseKeepAliveResponse,
  LeaseLeasesResponse,
  LeaseRevokeResponse,
  LeaseTimeToLiveResponse,
  ResponseHeader,
} from "../../wire/gen/rpc.ts";
import { type Out, type OutputForm, type Printers, unsupported } from "../output-form.ts";
import { ExitCode, ToolExit } from "../tool-exit.ts";
import { bytesJson, GoJsonObject } from "./go-json.ts";
import { FieldLines } from "./print-fields.ts";
import { addHeader, headerJson } from "./print-json.ts";
import type { PrinterOutput } from "./printer.ts";

/** Prints answers about leases. */
export interface LeasePrinter {
  grant(response: LeaseGrantResponse): void;
  revoke(id: bigint, response: LeaseRevokeResponse): void;
  keepAlive(response: LeaseKeepAliveResponse): void;
  timeToLive(response: LeaseTimeToLiveResponse, withKeys: boolean): void;
  leases(response: LeaseLeasesResponse): void;
}

/** The printer of `form`. */
export function leasePrinter(form: OutputForm, output: PrinterOutput): LeasePrinter {
  return PRINTERS[form]((text) => output.out(text));
}

const PRINTERS: Printers<LeasePrinter> = {
  simple: simplePrinter,
  fields: fieldsPrinter,
  json: jsonPrinter,
  protobuf: protobufPrinter,
  table: tablePrinter,
};

function tablePrinter(): LeasePrinter {
  const refuse = (): never => unsupported("table");
  return { grant: refuse, revoke: refuse, keepAlive: refuse, timeToLive: refuse, leases: refuse };
}

/** A lease id as etcdctl shows it; a negative one has its sign among the 16 characters. */
export function leaseText(id: bigint): string {
  return id < 0n ? `-${(-id).toString(16).padStart(15, "0")}` : id.toString(16).padStart(16, "0");
}

function simplePrinter(out: Out): LeasePrinter {
  return {
    grant: ({ id, ttl }) => out(`lease ${leaseText(id)} granted with TTL(${ttl}s)\n`),
    revoke: (id) => out(`lease ${leaseText(id)} revoked\n`),
    keepAlive: ({ id, ttl }) => out(`lease ${leaseText(id)} keepalived with TTL(${ttl})\n`),
    timeToLive({ id, ttl, grantedTtl, keys }, withKeys) {
      const lease = `lease ${leaseText(id)}`;
      if (grantedTtl === 0 && ttl === -1) {
        out(`${lease} already expired\n`);
        return;
      }
      const names = keys.map((key) => latin1FromBytes(key)).join(" ");
      const attached = withKeys ? `, attached keys([${names}])` : "";
      out(`${lease} granted with TTL(${grantedTtl}s), remaining(${ttl}s)${attached}\n`);
    },
    leases({ leases }) {
      const ids = leases.map(({ id }) => `${leaseText(id)}\n`);
      out(`found ${leases.length} leases\n${ids.join("")}`);
    },
  };
}

function fieldsPrinter(out: Out): LeasePrinter {
  const lines = (header: ResponseHeader | undefined): FieldLines => new FieldLines().header(header);
  return {
    grant: ({ header, id, ttl }) => out(lines(header).value("ID", id).value("TTL", ttl).text),
    revoke: (_, { header }) => out(lines(header).text),
    keepAlive: ({ header, id, ttl }) => out(lines(header).value("ID", id).value("TTL", ttl).text),
    timeToLive({ header, id, ttl, grantedTtl, keys }) {
      const all = lines(header).value("ID", id).value("TTL", ttl).value("GrantedTTL", grantedTtl);
      for (const key of keys) all.quoted("Key", latin1FromBytes(key));
      out(all.text);
    },
    leases({ header, leases }) {
      const all = lines(header);
      for (const { id } of leases) all.value("ID", id);
      out(all.text);
    },
  };
}

/** Upstream the header is embedded in these answers, except in that to a revoke. */
function jsonPrinter(out: Out): LeasePrinter {
  const object = (header: ResponseHeader | undefined): GoJsonObject =>
    addHeader(new GoJsonObject(), header);
  const print = (json: GoJsonObject): void => out(`${json.toString()}\n`);
  return {
    grant: ({ header, id, ttl }) =>
      print(object(header).anyInteger("ID", id).anyInteger("TTL", ttl).raw("Error", '""')),
    revoke: (_, { header }) => print(new GoJsonObject().raw("header", headerJson(header))),
    keepAlive: ({ header, id, ttl }) =>
      print(object(header).anyInteger("ID", id).anyInteger("TTL", ttl)),
    timeToLive({ header, id, ttl, grantedTtl, keys }) {
      const list = keys.length === 0 ? "null" : `[${keys.map(bytesJson).join(",")}]`;
      const all = object(header).anyInteger("id", id).anyInteger("ttl", ttl);
      print(all.anyInteger("granted-ttl", grantedTtl).raw("keys", list));
    },
    leases({ header, leases }) {
      const items = leases.map(({ id }) => `{"id":${id}}`).join(",");
      print(object(header).raw("leases", `[${items}]`));
    },
  };
}

/** Of an answer with an embedded header it is the header's bytes that come out; a revoke has none of its own. */
function protobufPrinter(out: Out): LeasePrinter {
  const print = ({ header }: { readonly header: ResponseHeader | undefined }): void =>
    out(latin1FromBytes(encodeResponseHeader(header ?? createResponseHeader())));
  return {
    grant: print,
    keepAlive: print,
    timeToLive: print,
    leases: print,
    revoke(_, { header }) {
      const shown = `{${goHeaderText(header)} {} [] 0}`;
      const message = `marshal unsupported for type clientv3.LeaseRevokeResponse (${shown})`;
      throw new ToolExit(ExitCode.BAD_FEATURE, message);
    },
  };
}

/** A header as Go prints a protobuf message: what is not zero, each with a blank behind it. */
function goHeaderText(header: ResponseHeader | undefined): string {
  const { clusterId, memberId, revision, raftTerm } = header ?? createResponseHeader();
  const fields = { cluster_id: clusterId, member_id: memberId, revision, raft_term: raftTerm };
  const set = Object.entries(fields).filter(([, value]) => Number(value) !== 0);
  return set.map(([name, value]) => `${name}:${value} `).join("");
}
