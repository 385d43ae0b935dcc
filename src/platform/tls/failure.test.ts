import { describe, expect, test } from "vitest";
import { describeTlsFailure } from "./failure.ts";

function failure(code: string, message = ""): string {
  return describeTlsFailure(Object.assign(new Error(message), { code }));
}

/** As OpenSSL words it. */
function openssl(reason: string, end = ""): string {
  return `80CC1F333A7F0000:error:0A000000:SSL routines:ssl3_read_bytes:${reason}:../deps/openssl/openssl/ssl/record/rec_layer_s3.c:1601:${end}\n`;
}

describe("describeTlsFailure", () => {
  test.each([
    ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", 42, "remote error: tls: bad certificate"],
    ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", 48, "remote error: tls: unknown certificate authority"],
    ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", 116, "remote error: tls: certificate required"],
    ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", 45, "remote error: tls: expired certificate"],
    ["ERR_SSL_TLSV1_ALERT_WHATEVER", 200, "remote error: tls: alert(200)"],
  ])("%s is an alert of the other side", (code, number, text) => {
    expect(failure(code, openssl("an alert", `SSL alert number ${number}`))).toBe(text);
  });

  test("what Go has no words for keeps those of OpenSSL", () => {
    expect(failure("ERR_SSL_BAD_EXTENSION", openssl("bad extension"))).toBe("tls: bad extension");
    expect(failure("CERT_CHAIN_TOO_LONG", "certificate chain too long")).toBe(
      "tls: certificate chain too long",
    );
  });

  test("a connection that is cut is an end", () => {
    expect(failure("ECONNRESET", "socket hang up")).toBe("EOF");
  });
});
