import type { HeaderField } from "./header-field.ts";

/**
 * A decoded header list. Blocks may be shared between messages (see `HpackDecoder`): nobody changes one.
 */
export class HeaderBlock {
  readonly fields: readonly HeaderField[];
  /** True when the list is larger than we accept; `fields` has then only its beginning. */
  readonly truncated: boolean;
  /**
   * What the reader of messages made of the block, kept with it so that a repeated block is understood only
   * once. Narrow it with `instanceof`.
   */
  note: object | undefined = undefined;

  constructor(fields: readonly HeaderField[], truncated: boolean) {
    this.fields = fields;
    this.truncated = truncated;
  }
}
