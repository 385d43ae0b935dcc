/**
 * What the JSON mapping knows of a message: its fields with their names and kinds. The values are
 * generated: gen/descriptors.ts.
 */

/** Kind of a field. 64-bit integers without `Bigint` are numbers in TypeScript. */
export type FieldKind =
  | "bytes"
  | "string"
  | "bool"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "int64Bigint"
  | "uint64Bigint"
  | "enum"
  | "message";

export interface EnumDescriptor {
  /** Full protobuf name: `etcdserverpb.RangeRequest.SortOrder`. */
  readonly typeName: string;
  /** Values by name. */
  readonly values: ReadonlyMap<string, number>;
  /** Names by value. */
  readonly names: ReadonlyMap<number, string>;
}

export interface FieldDescriptor {
  /** Name in the .proto file: how JSON output calls the field. */
  readonly name: string;
  /** The other name that JSON input may use. */
  readonly jsonName: string;
  /** Name of the property of the message; for a case of a oneof, the name of the case. */
  readonly property: string;
  /** Property of the oneof that the field is a case of. */
  readonly oneof: string | undefined;
  readonly kind: FieldKind;
  readonly repeated: boolean;
  /** Always there, and left out of JSON at its default. */
  readonly implicit: boolean;
  /** Of fields of kind message. A function, because messages contain each other. */
  readonly message: (() => MessageDescriptor) | undefined;
  /** Of fields of kind enum. */
  readonly enum: EnumDescriptor | undefined;
}

export interface MessageDescriptor {
  /** Full protobuf name: `etcdserverpb.PutRequest`. */
  readonly typeName: string;
  /** Returns a message with every field at its default. */
  readonly create: () => object;
  /** By field number. */
  readonly fields: readonly FieldDescriptor[];
}

/** Makes the descriptor of an enum from its generated values. */
export function enumDescriptor(
  typeName: string,
  values: Readonly<Record<string, number>>,
): EnumDescriptor {
  const entries = Object.entries(values);
  return {
    typeName,
    values: new Map(entries),
    names: new Map(entries.map(([name, value]) => [value, name])),
  };
}
