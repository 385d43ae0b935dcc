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

/** Bytes of the first line and the headers of a message of HTTP/1.1 together; longer ones are refused. */
export const HTTP_HEADER_BYTES_MAX = 64 * 1024;

/** Milliseconds a client may take for the headers, against connections that send them drop by drop. */
export const HTTP_HEADERS_TIMEOUT_MS = 20_000;

/** Milliseconds between looks at the clock for such connections. */
export const HTTP_CONNECTIONS_CHECK_MS = 5_000;

/** Unused connections that the HTTP client keeps to one host: as many as a pipeline has senders, twice. */
export const HTTP_IDLE_CONNECTIONS_MAX = 8;

/** Milliseconds an unused connection is kept: less than the 5 s after which etcd closes it from its side. */
export const HTTP_IDLE_TIMEOUT_MS = 4000;

/** Milliseconds of silence after which the kernel asks whether the other host is there. As etcd. */
export const TCP_KEEPALIVE_MS = 30_000;

/** Milliseconds until a log file that could not be set aside is tried again; until then it grows. */
export const LOG_ROTATION_RETRY_MS = 1000;

/** Milliseconds until journald is looked for again; until then lines go to standard error. */
export const JOURNAL_RETRY_MS = 1000;

/** Milliseconds in which systemd must have taken a message about this process. */
export const NOTIFY_TIMEOUT_MS = 10_000;

/** Characters that are kept of the complaints about such a message. */
export const NOTIFY_ERROR_BYTES_MAX = 1024;

/** Lines of the audit log that wait for the disk, in bytes: some seconds of a busy member. */
export const AUDIT_BUFFER_BYTES_MAX = 8 * 1024 * 1024;

/** Milliseconds until a disk that did not take the audit log is tried again. */
export const AUDIT_RETRY_MS = 500;

/** Threads that hash passwords; half of the processors if that is fewer. */
export const PASSWORD_THREADS_MAX = 4;

/** Milliseconds between two looks at the files of TLS: soon enough, and nothing beside a handshake. */
export const TLS_FILES_CHECK_MS = 1000;

/** Milliseconds a handshake of TLS may take. Source: etcd client/pkg/transport/listener_tls.go (3.5.30). */
export const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Handshakes of TLS that may be under way on one listener; with one more the oldest is given up. Enough for a
 * crowd that comes back at once, and some ten megabytes when nobody goes on.
 */
export const TLS_HANDSHAKES_MAX = 1024;

/** Milliseconds that a client whose certificate is not wanted has to close its side. */
export const TLS_LINGER_MS = 1000;

/** Milliseconds between two lines of the log about handshakes that were given up. */
export const TLS_OVERLOAD_LOG_MS = 10_000;

/** Milliseconds until a thread that broke down is replaced. */
export const PASSWORD_THREAD_RETRY_MS = 200;
