/**
 * The image of etcd's v2 store that a 3.5 raft snapshot (.snap) carries. The keys of the v2 API are gone
 * here; what remains is the membership, which 3.5 treats as authority on recovery:
 *
 * ```
 * /0/members/<id>/raftAttributes   {"peerURLs":[…],"isLearner":true?}
 * /0/members/<id>/attributes       {"name":…,"clientURLs":[…]}
 * /0/removed_members/<id>          (empty)
 * /0/version                       3.5.0
 * /1                               v2 keys: empty, or this program refuses the snapshot
 * ```
 *
 * Source: etcd server/etcdserver/api/v2store (store.go, node.go, event_history.go) as Go's JSON.
 */
import { goJsonString, type JsonValue, parseJson } from "../stdx/json.ts";
import { Cluster } from "./cluster.ts";
import {
  type Attributes,
  decodeAttributes,
  decodeRaftAttributes,
  encodeAttributes,
  encodeRaftAttributes,
  formatId,
  MemberFormatError,
  parseId,
} from "./member-info.ts";

/** Slots of the v2 event history; always written, all empty. */
const EVENT_HISTORY_SLOTS = 1000;

const PERMANENT = "0001-01-01T00:00:00Z";

/** The JSON text of the v2 store that holds exactly this membership. */
export function encodeV2Store(cluster: Cluster): string {
  const writer = new NodeWriter();
  const members = cluster.members().map((member): [string, Entry] => {
    const children: [string, Entry][] = [["raftAttributes", encodeRaftAttributes(member)]];
    if (member.name !== "") children.push(["attributes", encodeAttributes(member)]);
    return [formatId(member.id), children];
  });
  const zero: [string, Entry][] = [["members", members]];
  const removed = cluster.removedIds().map((id): [string, Entry] => [formatId(id), ""]);
  if (removed.length > 0) zero.push(["removed_members", removed]);
  if (cluster.version !== undefined) zero.push(["version", cluster.version]);
  const root = writer.node("/", [
    ["0", zero],
    ["1", []],
  ]);
  const events = new Array<string>(EVENT_HISTORY_SLOTS).fill("null").join(",");
  const queue = `{"Events":[${events}],"Size":0,"Front":0,"Back":0,"Capacity":${EVENT_HISTORY_SLOTS}}`;
  const history = `{"Queue":${queue},"StartIndex":0,"LastIndex":0}`;
  const stats = STATS.map((name) => `"${name}":0`).join(",");
  return (
    `{"Root":${root},"WatcherHub":{"EventHistory":${history}},` +
    `"CurrentIndex":${writer.index},"Stats":{${stats}},"CurrentVersion":2}`
  );
}

/**
 * Reads the membership out of a v2 store image.
 * Throws `JsonError` or `MemberFormatError` for anything that is not one, `V2ContentError` when it holds
 * keys of the v2 API, which this program would lose.
 */
export function decodeV2Store(text: string, clusterId: bigint): Cluster {
  const root = childrenOf(fieldOf(parseJson(text), "Root"));
  for (const [name, node] of Object.entries(root)) {
    const isKeySpace = name !== "0" && name !== "1";
    if (isKeySpace || (name === "1" && Object.keys(childrenOf(node)).length > 0)) {
      throw new V2ContentError();
    }
  }
  const zero = childrenOf(root["0"]);
  const cluster = new Cluster(clusterId);
  for (const [name, node] of Object.entries(childrenOf(zero["members"]))) {
    const children = childrenOf(node);
    const raftAttributes = decodeRaftAttributes(valueOf(children["raftAttributes"]));
    const attributes: Attributes =
      children["attributes"] === undefined
        ? { name: "", clientUrls: [] }
        : decodeAttributes(valueOf(children["attributes"]));
    cluster.add({ id: memberIdOf(name), ...raftAttributes, ...attributes });
  }
  for (const name of Object.keys(childrenOf(zero["removed_members"]))) {
    cluster.remove(memberIdOf(name));
  }
  if (zero["version"] !== undefined) cluster.version = valueOf(zero["version"]);
  return cluster;
}

/** A snapshot that holds keys written through the v2 API. */
export class V2ContentError extends Error {
  constructor() {
    super(
      "the raft snapshot holds keys of the v2 API, which this version does not serve and would lose; " +
        "migrate or delete them with etcd 3.5 (etcdutl check v2store) and start again",
    );
    this.name = "V2ContentError";
  }
}

/** A value, or the named children of a directory. */
type Entry = string | readonly (readonly [string, Entry])[];

/** Writes nodes with creation indexes in order, as if each had been set one after the other. */
class NodeWriter {
  index = 0;

  node(path: string, entry: Entry): string {
    const isValue = typeof entry === "string";
    if (isValue) this.index++;
    const index = this.index;
    const children = isValue
      ? "null"
      : `{${entry
          .map(([name, child]) => `"${name}":${this.node(joinPath(path, name), child)}`)
          .join(",")}}`;
    return (
      `{"Path":"${path}","CreatedIndex":${index},"ModifiedIndex":${index},` +
      `"ExpireTime":"${PERMANENT}","Value":${goJsonString(isValue ? entry : "")},` +
      `"Children":${children}}`
    );
  }
}

function joinPath(directory: string, name: string): string {
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}

function fieldOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return undefined;
  return (value as { readonly [name: string]: JsonValue })[name];
}

function childrenOf(node: JsonValue | undefined): { readonly [name: string]: JsonValue } {
  const children = fieldOf(node, "Children");
  if (children === null || typeof children !== "object" || Array.isArray(children)) return {};
  return children as { readonly [name: string]: JsonValue };
}

function valueOf(node: JsonValue | undefined): string {
  const value = fieldOf(node, "Value");
  if (typeof value !== "string") throw new MemberFormatError("Missing value in the v2 store");
  return value;
}

function memberIdOf(name: string): bigint {
  const id = parseId(name);
  if (id === undefined) throw new MemberFormatError(`Invalid member id "${name}" in the v2 store`);
  return id;
}

const STATS = [
  "getsSuccess",
  "getsFail",
  "setsSuccess",
  "setsFail",
  "deleteSuccess",
  "deleteFail",
  "updateSuccess",
  "updateFail",
  "createSuccess",
  "createFail",
  "compareAndSwapSuccess",
  "compareAndSwapFail",
  "compareAndDeleteSuccess",
  "compareAndDeleteFail",
  "expireCount",
  "watchers",
] as const;
