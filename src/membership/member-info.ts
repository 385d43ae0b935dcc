/**
 * What is known of one cluster member, and its JSON as etcd stores it: in the context of a
 * configuration change, in the buckets `members`, and split in two in the v2 store.
 *
 * Source: etcd server/etcdserver/api/membership/member.go (field order, omitted members).
 */
import { goJsonString, type JsonValue, parseJson } from "../stdx/json.ts";

/** Part of a member that decides about Raft; changed only by configuration changes. */
export interface RaftAttributes {
  readonly peerUrls: readonly string[];
  readonly isLearner: boolean;
}

/** Part of a member that it publishes about itself once it has started. */
export interface Attributes {
  /** Empty until the member has started and published itself. */
  readonly name: string;
  readonly clientUrls: readonly string[];
}

export interface MemberInfo extends RaftAttributes, Attributes {
  readonly id: bigint;
}

/** Text form of a member or cluster id: lower-case hexadecimal without leading zeros. */
export function formatId(id: bigint): string {
  return id.toString(16);
}

/** Parses `formatId`'s form; `undefined` for anything else or beyond 64 bits. */
export function parseId(text: string): bigint | undefined {
  return /^[0-9a-f]{1,16}$/.test(text) ? BigInt(`0x${text}`) : undefined;
}

export function encodeMember(member: MemberInfo): string {
  const attributes = attributeFields(member);
  return `{${[`"id":${member.id}`, ...raftAttributeFields(member), ...attributes].join(",")}}`;
}

/** A JSON array of members. */
export function encodeMemberList(members: readonly MemberInfo[]): string {
  return `[${members.map(encodeMember).join(",")}]`;
}

export function encodeRaftAttributes(attributes: RaftAttributes): string {
  return `{${raftAttributeFields(attributes).join(",")}}`;
}

export function encodeAttributes(attributes: Attributes): string {
  return `{${attributeFields(attributes).join(",")}}`;
}

/** Reads `encodeMember`'s form. Throws `JsonError` or `MemberFormatError`. */
export function decodeMember(text: string): MemberInfo {
  return memberOf(parseJson(text));
}

/** Reads a JSON array of members. Throws `JsonError` or `MemberFormatError`. */
export function decodeMemberList(text: string): MemberInfo[] {
  const list = parseJson(text);
  if (!Array.isArray(list)) throw new MemberFormatError("Expected a JSON array of members");
  return list.map(memberOf);
}

export function decodeRaftAttributes(text: string): RaftAttributes {
  return raftAttributesOf(objectOf(parseJson(text)));
}

export function decodeAttributes(text: string): Attributes {
  return attributesOf(objectOf(parseJson(text)));
}

/** Stored membership that is JSON, but not a member. */
export class MemberFormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MemberFormatError";
  }
}

function memberOf(value: JsonValue): MemberInfo {
  const fields = objectOf(value);
  const id = fields["id"];
  const isId = typeof id === "bigint" || (typeof id === "number" && Number.isSafeInteger(id));
  if (!isId || id < 0 || id >= 1n << 64n)
    throw new MemberFormatError("Member without a numeric id");
  return { id: BigInt(id), ...raftAttributesOf(fields), ...attributesOf(fields) };
}

type Fields = { readonly [name: string]: JsonValue };

function objectOf(value: JsonValue): Fields {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new MemberFormatError("Expected a JSON object for a member");
  }
  return value as Fields;
}

function raftAttributesOf(fields: Fields): RaftAttributes {
  return { peerUrls: stringsOf(fields["peerURLs"]), isLearner: fields["isLearner"] === true };
}

function attributesOf(fields: Fields): Attributes {
  const name = fields["name"];
  return {
    name: typeof name === "string" ? name : "",
    clientUrls: stringsOf(fields["clientURLs"]),
  };
}

function stringsOf(value: JsonValue | undefined): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string")) {
    throw new MemberFormatError("Expected a list of URLs in a member");
  }
  return value as string[];
}

function raftAttributeFields(attributes: RaftAttributes): string[] {
  const fields = [`"peerURLs":${encodeStrings(attributes.peerUrls)}`];
  if (attributes.isLearner) fields.push('"isLearner":true');
  return fields;
}

function attributeFields(attributes: Attributes): string[] {
  const fields = [];
  if (attributes.name !== "") fields.push(`"name":${goJsonString(attributes.name)}`);
  if (attributes.clientUrls.length > 0) {
    fields.push(`"clientURLs":${encodeStrings(attributes.clientUrls)}`);
  }
  return fields;
}

function encodeStrings(values: readonly string[]): string {
  return `[${values.map(goJsonString).join(",")}]`;
}
