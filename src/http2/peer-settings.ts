/**
 * What the peer announced in SETTINGS.
 * Source: RFC 9113 sections 6.5 and 7.
 */
import { SETTINGS_ENTRIES_MAX } from "./limits.ts";
import {
  DEFAULT_FRAME_BYTES_MAX,
  DEFAULT_WINDOW_BYTES,
  ErrorCode,
  FRAME_BYTES_LIMIT,
  readUint32,
  SettingId,
  WINDOW_BYTES_MAX,
} from "./protocol.ts";

/** Why a SETTINGS frame ends the connection. */
export interface SettingsFault {
  readonly code: ErrorCode;
  readonly text: string;
}

const ENTRY_BYTES = 6;

export class PeerSettings {
  headerTableBytes = 4096;
  initialWindowBytes = DEFAULT_WINDOW_BYTES;
  frameBytesMax = DEFAULT_FRAME_BYTES_MAX;
  /** `undefined` until announced. */
  maxConcurrentStreams: number | undefined = undefined;
  headerListBytesMax = Number.POSITIVE_INFINITY;

  /** Takes over the entries of a frame's payload, in order; a fault leaves the rest unread. */
  apply(
    bytes: Uint8Array,
    start: number,
    end: number,
    fromServer: boolean,
  ): SettingsFault | undefined {
    if ((end - start) % ENTRY_BYTES !== 0) {
      return { code: ErrorCode.FRAME_SIZE_ERROR, text: "SETTINGS of a broken length" };
    }
    if (end - start > SETTINGS_ENTRIES_MAX * ENTRY_BYTES) {
      return { code: ErrorCode.ENHANCE_YOUR_CALM, text: "too many entries in SETTINGS" };
    }
    for (let at = start; at < end; at += ENTRY_BYTES) {
      const id = (bytes[at] << 8) | bytes[at + 1];
      const fault = this.#set(id, readUint32(bytes, at + 2), fromServer);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #set(id: number, value: number, fromServer: boolean): SettingsFault | undefined {
    switch (id) {
      case SettingId.HEADER_TABLE_SIZE:
        this.headerTableBytes = value;
        return undefined;
      case SettingId.ENABLE_PUSH:
        return value > (fromServer ? 0 : 1) ? fault("ENABLE_PUSH", value) : undefined;
      case SettingId.MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value;
        return undefined;
      case SettingId.INITIAL_WINDOW_SIZE:
        if (value > WINDOW_BYTES_MAX) {
          return { ...fault("INITIAL_WINDOW_SIZE", value), code: ErrorCode.FLOW_CONTROL_ERROR };
        }
        this.initialWindowBytes = value;
        return undefined;
      case SettingId.MAX_FRAME_SIZE:
        if (value < DEFAULT_FRAME_BYTES_MAX || value > FRAME_BYTES_LIMIT) {
          return fault("MAX_FRAME_SIZE", value);
        }
        this.frameBytesMax = value;
        return undefined;
      case SettingId.MAX_HEADER_LIST_SIZE:
        this.headerListBytesMax = value;
        return undefined;
      default:
        return undefined;
    }
  }
}

function fault(name: string, value: number): SettingsFault {
  return { code: ErrorCode.PROTOCOL_ERROR, text: `invalid value of SETTINGS_${name}: ${value}` };
}
