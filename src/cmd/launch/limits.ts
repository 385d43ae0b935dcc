/** Bounds over compiled code that is read from files. */

/** Bytes of a file of compiled code: twenty times what a server's takes, read into memory at every start. */
export const CODE_FILE_BYTES_MAX: number = 64 * 1024 * 1024;

/** Kinds of runs whose code is kept in one file: more than a program has commands. Each new one rewrites the file. */
export const CODE_KINDS_MAX = 100;
