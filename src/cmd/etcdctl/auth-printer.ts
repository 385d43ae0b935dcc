/**
 * Answers about users and roles in every form. Texts are byte strings.
 *
 * Source: etcd etcdctl/ctlv3/command/printer_{simple,fields,json,protobuf,table}.go.
 */
import { latin1FromBytes } from "../../stdx/bytes.ts";
import { goQuote } from "../../stdx/go-quote.ts";
import { type Permission, PermissionType } from "../../wire/gen/auth.ts";
import {
  type AuthRoleGetResponse,
  type AuthRoleListResponse,
  type AuthStatusResponse,
  type AuthUserGetResponse,
  type AuthUserListResponse,
  encodeAuthRoleGetResponse,
  encodeAuthRoleListResponse,
  encodeAuthStatusResponse,
  encodeAuthUserAddResponse,
  encodeAuthUserGetResponse,
  encodeAuthUserListResponse,
  type ResponseHeader,
} from "../../wire/gen/rpc.ts";
import { byteString } from "../byte-text.ts";
import { type Out, type OutputForm, type Printers, unsupported } from "../output-form.ts";
import { GoJsonObject } from "./go-json.ts";
import { FieldLines } from "./print-fields.ts";
import { headerJson } from "./print-json.ts";
import type { PrinterOutput } from "./printer.ts";
import { prefixEnd } from "../key-prefix.ts";

/** An answer that holds nothing but its header. */
interface HeaderAnswer {
  readonly header: ResponseHeader | undefined;
}

/** Prints answers about users and roles. */
export interface AuthPrinter {
  /** A change was made: `said` is what the simple form says of it. */
  changed(said: string, response: HeaderAnswer): void;
  status(response: AuthStatusResponse): void;
  user(name: string, response: AuthUserGetResponse): void;
  users(response: AuthUserListResponse): void;
  role(name: string, response: AuthRoleGetResponse): void;
  roles(response: AuthRoleListResponse): void;
}

/** The printer of `form`. */
export function authPrinter(form: OutputForm, output: PrinterOutput): AuthPrinter {
  return PRINTERS[form]((text) => output.out(text));
}

const PRINTERS: Printers<AuthPrinter> = {
  simple: simplePrinter,
  fields: fieldsPrinter,
  json: jsonPrinter,
  protobuf: protobufPrinter,
  table: tablePrinter,
};

function tablePrinter(): AuthPrinter {
  const refuse = (): never => unsupported("table");
  return {
    changed: refuse,
    status: refuse,
    user: refuse,
    users: refuse,
    role: refuse,
    roles: refuse,
  };
}

/** The end of a range that goes on to the last key. */
const OPEN_END = "\0";

function simplePrinter(out: Out): AuthPrinter {
  const lines = (names: readonly string[]): void =>
    out(names.map((name) => `${byteString(name)}\n`).join(""));
  return {
    changed: (said) => out(`${said}\n`),
    status: ({ enabled, authRevision }) =>
      out(`Authentication Status: ${enabled}\nAuthRevision: ${authRevision}\n`),
    user: (name, { roles }) =>
      out(`User: ${name}\nRoles:${roles.map((role) => ` ${byteString(role)}`).join("")}\n`),
    users: ({ users }) => lines(users),
    role(name, { perm }) {
      const of = (type: PermissionType): string =>
        perm
          .filter(({ permType }) => permType === type || permType === PermissionType.READWRITE)
          .map((permission) => `\t${rangeText(permission)}\n`)
          .join("");
      const { READ, WRITE } = PermissionType;
      out(`Role ${name}\nKV Read:\n${of(READ)}KV Write:\n${of(WRITE)}`);
    },
    roles: ({ roles }) => lines(roles),
  };
}

function rangeText({ key: keyBytes, rangeEnd }: Permission): string {
  const key = latin1FromBytes(keyBytes);
  const end = latin1FromBytes(rangeEnd);
  if (end === "") return key;
  const isPrefix = latin1FromBytes(prefixEnd(keyBytes)) === end;
  return `${boundsText(key, end)}${isPrefix ? ` (prefix ${key})` : ""}`;
}

/** A range of keys as etcdctl shows it. */
export function boundsText(key: string, end: string): string {
  return end === OPEN_END ? `[${key}, <open ended>` : `[${key}, ${end})`;
}

function fieldsPrinter(out: Out): AuthPrinter {
  const lines = (header: ResponseHeader | undefined): FieldLines => new FieldLines().header(header);
  const refuse = (): never => unsupported("fields");
  return {
    changed: (_, { header }) => out(lines(header).text),
    status: refuse,
    user: refuse,
    users: refuse,
    role(_, { header, perm }) {
      const all = lines(header);
      for (const { permType, key, rangeEnd } of perm) {
        // With two blanks, as Go prints two values.
        all.value("PermType", ` ${permissionName(permType)}`);
        all.quoted("Key", latin1FromBytes(key)).quoted("RangeEnd", latin1FromBytes(rangeEnd));
      }
      out(all.text);
    },
    roles({ header, roles }) {
      const names = roles.map((name) => ` ${goQuote(byteString(name))}`).join("");
      out(`${lines(header).text}"Roles" :${names}\n`);
    },
  };
}

function permissionName(type: PermissionType): string {
  const found = Object.entries(PermissionType).find(([, value]) => value === type);
  return found?.[0] ?? String(type);
}

function jsonPrinter(out: Out): AuthPrinter {
  const object = (header: ResponseHeader | undefined): GoJsonObject =>
    new GoJsonObject().raw("header", headerJson(header));
  const print = (json: GoJsonObject): void => out(`${byteString(json.toString())}\n`);
  return {
    changed: (_, { header }) => print(object(header)),
    status: ({ header, enabled, authRevision }) =>
      print(object(header).flag("enabled", enabled).integer("authRevision", authRevision)),
    user: (_, { header, roles }) => print(object(header).texts("roles", roles)),
    users: ({ header, users }) => print(object(header).texts("users", users)),
    role(_, { header, perm }) {
      const items = perm.map(({ permType, key, rangeEnd }) =>
        new GoJsonObject()
          .integer("permType", permType)
          .bytes("key", key)
          .bytes("range_end", rangeEnd)
          .toString(),
      );
      print(object(header).list("perm", items));
    },
    roles: ({ header, roles }) => print(object(header).texts("roles", roles)),
  };
}

function protobufPrinter(out: Out): AuthPrinter {
  const print = (bytes: Uint8Array): void => out(latin1FromBytes(bytes));
  return {
    // All of these answers have the same form.
    changed: (_, { header }) => print(encodeAuthUserAddResponse({ header })),
    status: (response) => print(encodeAuthStatusResponse(response)),
    user: (_, response) => print(encodeAuthUserGetResponse(response)),
    users: (response) => print(encodeAuthUserListResponse(response)),
    role: (_, response) => print(encodeAuthRoleGetResponse(response)),
    roles: (response) => print(encodeAuthRoleListResponse(response)),
  };
}
