/**
 * What clients do to a server, by accident or to harm it. Each manner is a function that is given a socket just
 * connected, and returns what is done about every `STEP_MS` from then on, or nothing. All of them are paced:
 * what is measured is what the server does about them, not how much a machine can send.
 */
import { endOfPrefix, PUT, putBody, RANGE, rangeBody, WATCH, watchBody } from "./bodies.mjs";
import { FLAG_END_HEADERS, FLAG_END_STREAM, FrameType } from "../../dist/http2/protocol.js";
import { callBlock, frame, greeting, message, openCall, uint32, wholeCall } from "./raw-frames.mjs";

/** Milliseconds between two steps of one client. */
export const STEP_MS = 250;

const NO_WINDOW = 0;
const WIDE_WINDOW = 0x7fff_ffff;
const BURST = 200;

/** Stream numbers of a client, from 1 on. */
function streamIds() {
  let next = -1;
  return () => (next += 2);
}

/** Sends the same `count` frames again and again. */
function flood(socket, bytes, count) {
  socket.write(greeting(WIDE_WINDOW));
  const burst = Buffer.concat(Array.from({ length: count }, () => bytes));
  return () => socket.write(burst);
}

function readsNothing(socket, body) {
  socket.pause();
  socket.write(greeting(WIDE_WINDOW));
  socket.write(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0x7000_0000)));
  const next = streamIds();
  return () => socket.write(wholeCall(RANGE, next(), body));
}

/** What can be done wrong without asking for anything. */
const OF_CONNECTIONS = {
  "says nothing": () => undefined,
  "stops after the preface": (socket) => {
    socket.write(greeting(NO_WINDOW).subarray(0, 24));
    return undefined;
  },
  "sends what is no protocol": (socket) => () =>
    socket.write(Buffer.from("\u0016\u0003\u0001\u0002\u0000 nothing that anybody speaks\r\n")),
  "sends the head of an HTTP/1.1 request letter by letter": (socket) => {
    socket.write("GET /health HTTP/1.1\r\nX-Slow: ");
    return () => socket.write("a");
  },
  "comes and goes": (socket) => {
    socket.write(greeting(WIDE_WINDOW));
    return () => socket.destroy();
  },
  "never ends a header block": (socket) => {
    socket.write(greeting(WIDE_WINDOW));
    socket.write(frame(FrameType.HEADERS, 0, 1, callBlock(PUT)));
    return () => socket.write(frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(1000, 0x82)));
  },
  "sends a header list bomb": (socket) => {
    socket.write(greeting(WIDE_WINDOW));
    const next = streamIds();
    const entry = Buffer.concat([
      Buffer.from([0x40, 1, 0x61, 0x7f, 0xb9, 0x16]),
      Buffer.alloc(3000, 0x76),
    ]);
    const bomb = Buffer.concat([entry, Buffer.alloc(10_000, 0xbe)]);
    return () =>
      socket.write(frame(FrameType.HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, next(), bomb));
  },
  "sends PINGs without end": (socket) =>
    flood(socket, frame(FrameType.PING, 0, 0, Buffer.alloc(8)), BURST),
  "sends SETTINGS without end": (socket) => flood(socket, frame(FrameType.SETTINGS, 0, 0), BURST),
};

/** What can be done wrong with calls. */
function ofCalls(prefix) {
  const everything = rangeBody(prefix, { rangeEnd: endOfPrefix(new TextDecoder().decode(prefix)) });
  const watch = watchBody(prefix, endOfPrefix(new TextDecoder().decode(prefix)));
  const put = putBody(new TextEncoder().encode("bad/key"), new Uint8Array(100));
  return {
    "resets calls as soon as they are open": (socket) => {
      socket.write(greeting(WIDE_WINDOW));
      const next = streamIds();
      return () => {
        for (let i = 0; i < BURST; i++) {
          const id = next();
          socket.write(wholeCall(RANGE, id, everything));
          socket.write(frame(FrameType.RST_STREAM, 0, id, uint32(8)));
        }
      };
    },
    "asks for everything and grants no window": (socket) => {
      socket.write(greeting(NO_WINDOW));
      const next = streamIds();
      return () => socket.write(wholeCall(RANGE, next(), everything));
    },
    "asks for everything and reads nothing": (socket) => readsNothing(socket, everything),
    "watches everything and reads nothing": (socket) => {
      socket.pause();
      socket.write(greeting(WIDE_WINDOW));
      const next = streamIds();
      return () => {
        const id = next();
        socket.write(openCall(WATCH, id));
        socket.write(frame(FrameType.DATA, 0, id, message(Buffer.from(watch))));
      };
    },
    "sends a request byte by byte": (socket) => {
      socket.write(greeting(WIDE_WINDOW));
      socket.write(openCall(PUT, 1));
      socket.write(
        frame(FrameType.DATA, 0, 1, message(Buffer.from(put.subarray(0, 1)), put.length)),
      );
      return () => socket.write(frame(FrameType.DATA, 0, 1, Buffer.from(put.subarray(1, 2))));
    },
    "announces large requests and never ends them": (socket) => {
      socket.write(greeting(WIDE_WINDOW));
      const next = streamIds();
      return () => {
        const id = next();
        socket.write(openCall(PUT, id));
        socket.write(frame(FrameType.DATA, 0, id, message(Buffer.alloc(10_000), 1_500_000)));
      };
    },
    "sends requests that are none": (socket) => {
      socket.write(greeting(WIDE_WINDOW));
      const next = streamIds();
      return () => {
        for (let i = 0; i < 20; i++) {
          socket.write(wholeCall(PUT, next(), Buffer.from([0x0a, 0xff, 0xff, 0xff])));
        }
      };
    },
  };
}

/** @param {Uint8Array} prefix of keys of which there are many, and some of which change all the time */
export function badManners(prefix) {
  return { ...OF_CONNECTIONS, ...ofCalls(prefix) };
}
