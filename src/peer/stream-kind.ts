/** The two streams from one member to another. Source: etcd rafthttp (streamType in stream.go). */

/** "append" carries MsgApp, in a form of its own; "message" everything else. */
export type StreamKind = "append" | "message";

/** As the log names them. */
export const STREAM_NAMES: Readonly<Record<StreamKind, string>> = {
  append: "stream MsgApp v2",
  message: "stream Message",
};

/** Where they are asked for; the id of whoever asks follows. */
export const STREAM_PATHS: Readonly<Record<StreamKind, string>> = {
  append: "/raft/stream/msgapp/",
  message: "/raft/stream/message/",
};
