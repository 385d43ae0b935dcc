/** Bounds over configuration files, which anybody may have written. */

/** Bytes of a configuration file: all flags with long values are a few kilobytes. */
export const CONFIG_FILE_BYTES_MAX: number = 1024 * 1024;

/** Values in a configuration file, those that aliases repeat included. */
export const CONFIG_FILE_NODES_MAX = 100_000;

/** Values inside values. */
export const CONFIG_FILE_DEPTH_MAX = 100;
