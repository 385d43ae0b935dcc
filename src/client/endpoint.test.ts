import { expect, test } from "vitest";
import { endpointAuthority, parseEndpoint } from "./endpoint.ts";

test.each([
  ["127.0.0.1:2379", "127.0.0.1:2379", "127.0.0.1:2379", "optional"],
  ["http://127.0.0.1:2379", "127.0.0.1:2379", "127.0.0.1:2379", "drop"],
  ["https://host:2379/path?x", "host:2379", "host:2379", "require"],
  ["HTTPS://host:2379", "host:2379", "host:2379", "require"],
  ["http://user@[::1]:2379", "[::1]:2379", "[::1]:2379", "drop"],
  ["unix:a.sock", "unix:a.sock", "a.sock", "optional"],
  ["unix://a.sock", "unix:a.sock", "a.sock", "optional"],
  ["unix:///run/etcd.sock", "unix:/run/etcd.sock", "etcd.sock", "optional"],
  ["unixs:///run/etcd.sock", "unix:/run/etcd.sock", "etcd.sock", "require"],
  ["ftp://host:1", "ftp://host:1", "host:1", "optional"],
  ["http://bad host", "http://bad host", "http://bad host", "optional"],
  ["", "", "", "optional"],
])("parseEndpoint reads %j", (text, address, serverName, security) => {
  expect(parseEndpoint(text)).toEqual({ text, address, serverName, security });
});

test.each([
  ["127.0.0.1:2379", "127.0.0.1:2379"],
  ["https://host:2379", "host:2379"],
  ["unix:a.sock", "a.sock"],
  ["unix:///run/etcd.sock", "/run/etcd.sock"],
  ["unixs:a.sock", "a.sock"],
])("endpointAuthority shows %j", (text, authority) => {
  expect(endpointAuthority(text)).toBe(authority);
});
