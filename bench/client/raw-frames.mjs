/** HTTP/2 frames as bytes, for clients that break rules: the client of this project cannot be made to. */
import {
  CLIENT_PREFACE,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FrameType,
} from "../../dist/http2/protocol.js";

export function frame(type, flags, streamId, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** What a client says first; `streamWindow` is what it lets the server send on each stream. */
export function greeting(streamWindow) {
  const initialWindow = Buffer.concat([Buffer.from([0, 4]), uint32(streamWindow)]);
  return Buffer.concat([CLIENT_PREFACE, frame(FrameType.SETTINGS, 0, 0, initialWindow)]);
}

/** The headers of a gRPC call as literals, without a table. */
export function callBlock(path) {
  const fields = [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "member:2379"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
  ];
  const pieces = fields.flatMap(([name, value]) => [
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
  return Buffer.concat(pieces);
}

/** HEADERS that open a call. */
export function openCall(path, streamId) {
  return frame(FrameType.HEADERS, FLAG_END_HEADERS, streamId, callBlock(path));
}

/** A gRPC message with its prefix; `announced` bytes of it, of which `body` may be a part. */
export function message(body, announced = body.length) {
  return Buffer.concat([Buffer.from([0]), uint32(announced), body]);
}

/** A whole unary call. */
export function wholeCall(path, streamId, body) {
  const data = frame(FrameType.DATA, FLAG_END_STREAM, streamId, message(Buffer.from(body)));
  return Buffer.concat([openCall(path, streamId), data]);
}
