/**
 * The heads of a connection's requests. A client that sets deadlines sends another grpc-timeout with every
 * call, so no two of its header blocks are equal; everything else in them is, down to the objects of the
 * HPACK table. Such a request is recognised by these, and only its timeout is read (bench/http2.mjs).
 */
import { parseGrpcTimeout } from "./grpc-timeout.ts";
import type { HeaderBlock } from "./header-block.ts";
import { FieldKind, type HeaderField } from "./header-field.ts";
import { HEADER_MEMO_SLOTS } from "./limits.ts";
import type { GrpcServerConfig } from "./options.ts";
import { type RequestHead, requestHead } from "./request-head.ts";

const NEVER = Number.POSITIVE_INFINITY;

export class RequestHeads {
  readonly #config: GrpcServerConfig;
  /** The latest call of each :path field. */
  readonly #calls = new Map<HeaderField, RequestHead>();
  /** The relative timeout of the head last asked for, in milliseconds; `Infinity` for none. */
  timeoutMs = NEVER;

  constructor(config: GrpcServerConfig) {
    this.#config = config;
  }

  /** The head of `block`, whose timeout is then in `timeoutMs`: the head may be shared. */
  of(block: HeaderBlock): RequestHead {
    if (block.note === undefined) {
      const known = this.#known(block.fields);
      if (known !== undefined) return known;
    }
    const head = requestHead(block, this.#config);
    this.timeoutMs = head.timeoutMs;
    if (head.kind === "call" && head.timeoutMs < NEVER) this.#remember(head);
    return head;
  }

  /** A call that differs from these fields in its timeout only. */
  #known(fields: readonly HeaderField[]): RequestHead | undefined {
    const path = fields.find(isPath);
    const head = path === undefined ? undefined : this.#calls.get(path);
    if (head === undefined || head.fields.length !== fields.length) return undefined;
    let timeoutMs: number | string = NEVER;
    for (let i = 0; i < fields.length; i++) {
      if (fields[i].kind === FieldKind.GRPC_TIMEOUT) {
        if (head.fields[i].kind !== FieldKind.GRPC_TIMEOUT || !fields[i].wellFormed)
          return undefined;
        timeoutMs = parseGrpcTimeout(fields[i].value);
      } else if (fields[i] !== head.fields[i]) {
        return undefined;
      }
    }
    // What is refused for its timeout takes the long way.
    if (typeof timeoutMs === "string" || timeoutMs <= 0) return undefined;
    this.timeoutMs = timeoutMs;
    return head;
  }

  #remember(head: RequestHead): void {
    const path = head.fields.find(isPath);
    if (path === undefined) return;
    if (this.#calls.size >= HEADER_MEMO_SLOTS) this.#calls.clear();
    this.#calls.set(path, head);
  }
}

function isPath(field: HeaderField): boolean {
  return field.kind === FieldKind.PATH;
}
