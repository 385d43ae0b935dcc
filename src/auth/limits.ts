/** Bytes of the name of a user or a role: it is the key of an item of the database, which bounds keys. */
export const AUTH_NAME_BYTES_MAX = 32_768;

/** Simple tokens that a member knows; about 250 bytes each. */
export const SIMPLE_TOKENS_MAX = 200_000;

/** Milliseconds for which uses of a token count as one, at most: so much earlier it may end. */
export const TOKEN_USE_STEP_MS = 1_000;

/** Signed tokens that are remembered as good; a kilobyte each, or less. */
export const VERIFIED_TOKENS_MAX = 4096;

/** Characters of a signed token: one with a key of 16 Kibit and a long name has fewer. */
export const SIGNED_TOKEN_CHARACTERS_MAX = 8192;

/** Passwords of one caller and user that wait to be looked at: some seconds of work. */
export const PASSWORD_JOBS_PER_LANE_MAX = 64;

/** Passwords that wait in all; about 300 bytes each, and what the password has. */
export const PASSWORD_JOBS_MAX = 1024;

/** Wrong passwords in a row after which a lane begins to pause. */
export const PASSWORD_FAILURES_FREE = 5;

/** Milliseconds of the first pause. */
export const PASSWORD_PAUSE_MS = 50;

/** How often a pause doubles: the longest is 1.6 seconds. */
export const PASSWORD_PAUSE_DOUBLINGS_MAX = 5;

/** Lanes whose wrong passwords are remembered; about 200 bytes each. */
export const PAUSED_LANES_MAX = 4096;

/** Users whose right password is remembered, as a digest; about 200 bytes each. */
export const VERIFIED_USERS_MAX = 10_000;

/** Digits of the digest by which the log names a token: etcd's number. */
export const TOKEN_FINGERPRINT_DIGITS = 12;

/** Bytes of a password that are kept while it waits: the 72 that bcrypt looks at, and a character more. */
export const PASSWORD_BYTES_KEPT = 76;
