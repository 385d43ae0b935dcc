/** Configuration files with changed bytes: values, or an error that says what is wrong with them. */
import { expect, test } from "vitest";
import { parseConfigText } from "../../src/cmd/config-file/yaml-document.ts";
import { applyConfigFile } from "../../src/server/config-file/apply-config-file.ts";
import { ConfigFileError } from "../../src/server/config-file/file-node.ts";
import { initialFlagValues } from "../../src/server/flags/table.ts";
import { bytesFromUtf8 } from "../../src/stdx/bytes.ts";
import { fuzz, FUZZ_TIMEOUT_MS, MANY_INPUTS, mutated } from "../harness/fuzz.ts";

const YAML = `
# A member of three.
name: &name infra0
data-dir: "/var/lib/etcd"
listen-peer-urls: https://10.0.1.10:2380
listen-client-urls: 'https://10.0.1.10:2379,https://127.0.0.1:2379'
heartbeat-interval: 100
quota-backend-bytes: 8589934592
grpc-keepalive-interval: 7200000000000
strict-reconfig-check: yes
cipher-suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
log-outputs:
- stderr
- |
  /var/log/
  etcd.log
client-transport-security: &tls
  cert-file: path/to/file
  client-cert-auth: true
peer-transport-security: *tls
initial-cluster-token: *name
socket-options: {reuse-port: false, "reuse-address": ~}
`;

const JSON_TEXT = JSON.stringify({
  name: "a",
  "max-txn-ops": 128,
  "client-transport-security": { "auto-tls": true, "allowed-hostname": ["a", "b"] },
});

test(
  "YAML and JSON",
  async () => {
    const seen = { values: 0, refused: 0 };
    const count = await fuzz((random) => {
      const bytes = mutated(bytesFromUtf8(random.chance(0.7) ? YAML : JSON_TEXT), random);
      const text = Buffer.from(bytes).toString("utf8");
      try {
        const outcome = applyConfigFile(parseConfigText(text), initialFlagValues());
        if (outcome instanceof ConfigFileError) throw outcome;
        seen.values++;
      } catch (error) {
        if (!(error instanceof ConfigFileError)) throw error;
        expect(error.message).not.toBe("");
        seen.refused++;
      }
    });
    if (count >= MANY_INPUTS) expect(seen.values).toBeGreaterThan(0);
    if (count >= MANY_INPUTS) expect(seen.refused).toBeGreaterThan(0);
  },
  FUZZ_TIMEOUT_MS,
);
