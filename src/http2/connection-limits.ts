/** Options with their defaults filled in. */
import {
  ASSEMBLY_BYTES_MAX,
  CLIENT_ASSEMBLY_BYTES_MAX,
  CLIENT_CONNECTION_WINDOW_BYTES,
  CLIENT_STREAM_WINDOW_BYTES,
  CONCURRENT_STREAMS_UNLIMITED,
  HANDSHAKE_TIMEOUT_MS,
  HEADER_LIST_BYTES_MAX,
  KEEPALIVE_MIN_TIME_MS,
  KEEPALIVE_TIMEOUT_MS,
  PARTIAL_FRAME_TIMEOUT_MS,
  RECEIVE_MESSAGE_BYTES_DEFAULT,
  SEND_STALL_TIMEOUT_MS,
  SERVER_CONNECTION_WINDOW_BYTES,
  SERVER_KEEPALIVE_TIME_MS,
  SERVER_STREAM_WINDOW_BYTES,
  SETTINGS_ACK_TIMEOUT_MS,
} from "./limits.ts";
import type { ClientConnectionOptions, ServerConnectionOptions } from "./options.ts";

export interface ConnectionLimits {
  readonly receiveMessageBytesMax: number;
  readonly assemblyBytesMax: number;
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  readonly headerListBytesMax: number;
  readonly handshakeTimeoutMs: number;
  readonly settingsAckTimeoutMs: number;
  readonly partialFrameTimeoutMs: number;
  readonly sendStallTimeoutMs: number;
  /** 0 for never. */
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly keepaliveMinTimeMs: number;
  readonly keepalivePermitWithoutStream: boolean;
  readonly maxConcurrentStreams: number;
}

const COMMON = {
  receiveMessageBytesMax: RECEIVE_MESSAGE_BYTES_DEFAULT,
  headerListBytesMax: HEADER_LIST_BYTES_MAX,
  handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
  settingsAckTimeoutMs: SETTINGS_ACK_TIMEOUT_MS,
  partialFrameTimeoutMs: PARTIAL_FRAME_TIMEOUT_MS,
  sendStallTimeoutMs: SEND_STALL_TIMEOUT_MS,
  keepaliveTimeoutMs: KEEPALIVE_TIMEOUT_MS,
  keepalivePermitWithoutStream: false,
  maxConcurrentStreams: CONCURRENT_STREAMS_UNLIMITED,
} as const;

export function serverLimits(options: ServerConnectionOptions): ConnectionLimits {
  return {
    ...COMMON,
    assemblyBytesMax: ASSEMBLY_BYTES_MAX,
    streamWindowBytes: SERVER_STREAM_WINDOW_BYTES,
    connectionWindowBytes: SERVER_CONNECTION_WINDOW_BYTES,
    keepaliveTimeMs: SERVER_KEEPALIVE_TIME_MS,
    keepaliveMinTimeMs: KEEPALIVE_MIN_TIME_MS,
    ...options,
    // As grpc-go takes 0.
    maxConcurrentStreams: options.maxConcurrentStreams || CONCURRENT_STREAMS_UNLIMITED,
  };
}

export function clientLimits(options: ClientConnectionOptions): ConnectionLimits {
  return {
    ...COMMON,
    assemblyBytesMax: CLIENT_ASSEMBLY_BYTES_MAX,
    streamWindowBytes: CLIENT_STREAM_WINDOW_BYTES,
    connectionWindowBytes: CLIENT_CONNECTION_WINDOW_BYTES,
    keepaliveTimeMs: 0,
    keepaliveMinTimeMs: 0,
    ...options,
  };
}
