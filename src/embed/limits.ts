/** Bounds of members inside a process, and of the connections to them. */

/**
 * Bytes that may wait at one end of a connection inside the process before the other end has to stop writing.
 * As much as the kernel takes for a socket; what is written is not copied, so they are counted once.
 */
export const STREAM_WAITING_BYTES_MAX: number = 256 * 1024;

/**
 * Milliseconds that a member that has failed may take to close its files. What was acknowledged is durable
 * already, and a disk that does not answer must not hold the program up.
 */
export const FAILED_STOP_MS = 1000;

/** Members of one cluster that `startCluster` starts. etcd advises against more than seven. */
export const CLUSTER_SIZE_MAX = 9;

/** Milliseconds for a member to say whether it leads: it knows, or it does not serve yet. */
export const LEADER_QUESTION_MS = 2000;
