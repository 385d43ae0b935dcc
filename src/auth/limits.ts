/** Bytes of the name of a user or a role: it is the key of an item of the database, which bounds keys. */
export const AUTH_NAME_BYTES_MAX = 32_768;
