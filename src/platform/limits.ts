/** Bounds of the shell: each with its unit and the reason for its size. */

/** Lines with the same level and message that are written per interval before sampling starts. As etcd. */
export const LOG_SAMPLE_FIRST = 100;

/** Of the lines beyond the first ones, each so-manieth is written. As etcd. */
export const LOG_SAMPLE_THEREAFTER = 100;

/** Milliseconds of one interval of sampling. As etcd. */
export const LOG_SAMPLE_INTERVAL_MS = 1000;

/** Distinct messages that are counted at once: far more than the program has, few enough to cost nothing. */
export const LOG_SAMPLE_MESSAGES_MAX = 4096;

/** Log lines that wait for a slow reader of a pipe, in bytes: minutes of normal life. */
export const LOG_BACKLOG_BYTES_MAX = 1024 * 1024;

/** How soon a pipe that refused a log line is tried again. */
export const LOG_RETRY_MS = 20;

/** How long the last words of a process may wait for the reader of its log. */
export const LOG_FLUSH_WAIT_MS = 1000;
