/**
 * Failures of TLS in the words of Go's crypto/tls and crypto/x509, which operators know from etcd's logs.
 *
 * Source: Go crypto/tls (alert.go, conn.go, handshake_server.go), crypto/x509 (verify.go; Go 1.24).
 */

const UNVERIFIED = "tls: failed to verify certificate: x509: ";
const UNKNOWN_AUTHORITY = `${UNVERIFIED}certificate signed by unknown authority`;
const EXPIRED = `${UNVERIFIED}certificate has expired or is not yet valid`;
const NO_TLS = "tls: first record does not look like a TLS handshake";

const REASONS: { readonly [code: string]: string } = {
  ECONNRESET: "EOF",
  EPIPE: "EOF",
  // Chains that cannot be verified.
  CERT_HAS_EXPIRED: EXPIRED,
  CERT_NOT_YET_VALID: EXPIRED,
  CERT_UNTRUSTED: UNKNOWN_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  CERT_SIGNATURE_FAILURE: UNKNOWN_AUTHORITY,
  INVALID_CA: UNKNOWN_AUTHORITY,
  INVALID_PURPOSE: `${UNVERIFIED}certificate specifies an incompatible key usage`,
  // What the other side sends that is not what it should be.
  ERR_SSL_HTTP_REQUEST: NO_TLS,
  ERR_SSL_HTTPS_PROXY_REQUEST: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_UNKNOWN_PROTOCOL: NO_TLS,
  ERR_SSL_NO_APPLICATION_PROTOCOL: "tls: client requested unsupported application protocols",
  ERR_SSL_NO_SHARED_CIPHER: "tls: no cipher suite supported by both client and server",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "tls: client didn't provide a certificate",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "tls: client offered only unsupported versions",
  ERR_SSL_UNEXPECTED_EOF_WHILE_READING: "EOF",
};

/** What the number of an alert means, as Go prints it. Source: RFC 8446, 6; Go crypto/tls alert.go. */
const ALERTS: { readonly [number: string]: string } = {
  "10": "unexpected message",
  "20": "bad record MAC",
  "22": "record overflow",
  "40": "handshake failure",
  "42": "bad certificate",
  "43": "unsupported certificate",
  "44": "revoked certificate",
  "45": "expired certificate",
  "46": "unknown certificate",
  "47": "illegal parameter",
  "48": "unknown certificate authority",
  "49": "access denied",
  "50": "error decoding message",
  "51": "error decrypting message",
  "70": "protocol version not supported",
  "71": "insufficient security level",
  "80": "internal error",
  "86": "inappropriate fallback",
  "90": "user canceled",
  "109": "missing extension",
  "110": "unsupported extension",
  "112": "unrecognized name",
  "116": "certificate required",
  "120": "no application protocol",
};

/** The words of Go for an error of node:tls, or for the reason why a chain was not verified. */
export function describeTlsFailure(failure: NodeJS.ErrnoException): string {
  const { message } = failure;
  const code = failure.code === "EPROTO" ? codeOf(message) : (failure.code ?? "");
  const alert = /SSL alert number (\d+)/.exec(message)?.[1];
  if (alert !== undefined && code.includes("ALERT")) {
    return `remote error: tls: ${ALERTS[alert] ?? `alert(${alert})`}`;
  }
  return REASONS[code] ?? `tls: ${reasonOf(message)}`;
}

/** The code of a failure that came up in a write, where node:tls gives another one. */
function codeOf(message: string): string {
  return `ERR_SSL_${reasonOf(message).toUpperCase().replaceAll(" ", "_")}`;
}

/** The part of an error of OpenSSL that says something: "error:0A0000C1:SSL routines:function:reason:file:…". */
function reasonOf(message: string): string {
  return /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? message;
}
