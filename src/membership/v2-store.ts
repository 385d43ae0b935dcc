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
import { assert } from "../stdx/assert.ts";
import { goJsonString, type JsonValue, parseJson } from "../stdx/json.ts";
import { Cluster } from "./cluster.ts";
import { FOUNDING_MEMBERS_MAX } from "./limits.ts";
import {
  type Attributes,
  decodeAttributes,
  decodeRaftAttributes,
  encodeAttributes,
  encodeRaftAttributes,
  formatId,
  MemberFormatError,
  type MemberInfo,
  parseId,
} from "./member-info.ts";

/** Slots of the v2 event history; always written, even when empty. */
const EVENT_HISTORY_SLOTS = FOUNDING_MEMBERS_MAX;

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
  return storeJson(root, [], writer.index, 0);
}

/**
 * The JSON text of a v2 store in which `members` were created one after the other, with the events that this
 * left in its history: what the restore of a database snapshot starts a cluster from. Only peer URLs and who
 * is a learner stand in it. At most FOUNDING_MEMBERS_MAX members.
 */
export function encodeFoundingV2Store(members: readonly MemberInfo[]): string {
  assert(members.length > 0, "A cluster has a member");
  assert(members.length <= FOUNDING_MEMBERS_MAX, "More members than the history has slots");
  const events: string[] = [];
  const nodes = members.map((member, at): [string, string] => {
    const index = at + 1;
    const path = `/0/members/${formatId(member.id)}`;
    const value = encodeRaftAttributes(member);
    const key = `${path}/raftAttributes`;
    events.push(
      `{"action":"create","node":{"key":"${key}","value":${goJsonString(value)},` +
        `"modifiedIndex":${index},"createdIndex":${index}}}`,
    );
    const leaf = nodeJson(key, index, value, "null");
    return [formatId(member.id), nodeJson(path, index, "", `{"raftAttributes":${leaf}}`)];
  });
  // Go prints the keys of a map in the order of their text.
  nodes.sort(([a], [b]) => (a < b ? -1 : 1));
  const list = `{${nodes.map(([id, node]) => `"${id}":${node}`).join(",")}}`;
  const zero = nodeJson("/0", 0, "", `{"members":${nodeJson("/0/members", 1, "", list)}}`);
  const root = nodeJson("/", 0, "", `{"0":${zero},"1":${nodeJson("/1", 0, "", "{}")}}`);
  return storeJson(root, events, members.length, members.length);
}

/** The whole store: the tree `root`, and a history that starts with `events`. */
function storeJson(
  root: string,
  events: readonly string[],
  currentIndex: number,
  creations: number,
): string {
  const slots = new Array<string>(EVENT_HISTORY_SLOTS).fill("null");
  for (const [at, event] of events.entries()) slots[at] = event;
  const { length } = events;
  const back = length % EVENT_HISTORY_SLOTS;
  const queue = `{"Events":[${slots.join(",")}],"Size":${length},"Front":0,"Back":${back},"Capacity":${EVENT_HISTORY_SLOTS}}`;
  const startIndex = length === 0 ? 0 : 1;
  const history = `{"Queue":${queue},"StartIndex":${startIndex},"LastIndex":${length}}`;
  const stats = STATS.map((name) => `"${name}":${name === "createSuccess" ? creations : 0}`);
  return (
    `{"Root":${root},"WatcherHub":{"EventHistory":${history}},` +
    `"CurrentIndex":${currentIndex},"Stats":{${stats.join(",")}},"CurrentVersion":2}`
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
    return nodeJson(path, index, isValue ? entry : "", children);
  }
}

/** One node; `children` is JSON: an object, or null for a value. */
function nodeJson(path: string, index: number, value: string, children: string): string {
  return (
    `{"Path":"${path}","CreatedIndex":${index},"ModifiedIndex":${index},` +
    `"ExpireTime":"${PERMANENT}","Value":${goJsonString(value)},"Children":${children}}`
  );
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
