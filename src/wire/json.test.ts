import { describe, expect, test } from "vitest";
import { JsonError } from "../stdx/json.ts";
import type { Codec } from "./codec.ts";
import {
  createRangeRequest,
  createResponseHeader,
  createTxnRequest,
  createTxnResponse,
} from "./gen/rpc.ts";
import type { RangeRequest } from "./gen/rpc.ts";
import {
  AuthService,
  ClusterService,
  KVService,
  LeaseService,
  MaintenanceService,
} from "./gen/services.ts";
import { jsonFromMessage } from "./json.ts";
import { messageFromJson } from "./json-input.ts";

const range: Codec<RangeRequest> = KVService.range.request;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("jsonFromMessage", () => {
  test("writes names of the .proto file, integers of 64 bits as strings, no defaults", () => {
    const response = KVService.range.response.create({
      header: createResponseHeader({ clusterId: 2n ** 64n - 1n, revision: 7 }),
      kvs: [
        {
          key: bytes("a"),
          createRevision: 2,
          modRevision: 3,
          version: 1,
          value: bytes(""),
          lease: -5n,
        },
      ],
      count: 1,
    });
    expect(jsonFromMessage(KVService.range.response, response)).toBe(
      '{"header":{"cluster_id":"18446744073709551615","revision":"7"},' +
        '"kvs":[{"key":"YQ==","create_revision":"2","mod_revision":"3","version":"1","lease":"-5"}],' +
        '"count":"1"}',
    );
  });

  test("an empty message is {}, an embedded empty message stays", () => {
    expect(jsonFromMessage(range, createRangeRequest())).toBe("{}");
    const response = KVService.put.response.create({ header: createResponseHeader() });
    expect(jsonFromMessage(KVService.put.response, response)).toBe('{"header":{}}');
  });

  test("a chosen oneof case is written at its default too", () => {
    const response = createTxnResponse({
      responses: [
        { response: { case: "responseTxn", value: createTxnResponse() } },
        { response: undefined },
      ],
    });
    expect(jsonFromMessage(KVService.txn.response, response)).toBe(
      '{"responses":[{"response_txn":{}},{}]}',
    );
    const request = createTxnRequest({
      compare: [
        {
          result: 3,
          target: 0,
          key: bytes("k"),
          targetUnion: { case: "version", value: 0 },
          rangeEnd: bytes("l"),
        },
      ],
    });
    expect(jsonFromMessage(KVService.txn.request, request)).toBe(
      '{"compare":[{"result":"NOT_EQUAL","key":"aw==","version":"0","range_end":"bA=="}]}',
    );
  });

  test("enums are names, unknown values numbers; 32-bit integers and booleans are bare", () => {
    const request = createRangeRequest({ sortOrder: 2, sortTarget: 77, serializable: true });
    expect(jsonFromMessage(range, request)).toBe(
      '{"sort_order":"DESCEND","sort_target":77,"serializable":true}',
    );
    const hash = MaintenanceService.hash.response.create({ hash: 4294967295 });
    expect(jsonFromMessage(MaintenanceService.hash.response, hash)).toBe('{"hash":4294967295}');
  });

  test("texts are escaped as Go does, names keep their case", () => {
    const member = { id: 1n, name: "<a>\n", peerUrls: ["x", ""], clientUrls: [], isLearner: true };
    const response = ClusterService.memberList.response.create({ members: [member] });
    expect(jsonFromMessage(ClusterService.memberList.response, response)).toBe(
      '{"members":[{"ID":"1","name":"\\u003ca\\u003e\\n","peerURLs":["x",""],"isLearner":true}]}',
    );
  });
});

describe("messageFromJson", () => {
  test("accepts both names of a field, and the second name first", () => {
    const text = '{"range_end":"AQ==","sortOrder":"ASCEND","rangeEnd":"AA=="}';
    const request = messageFromJson(range, text);
    expect(request).toEqual(createRangeRequest({ rangeEnd: Uint8Array.of(0), sortOrder: 1 }));
    expect(messageFromJson(range, '{"range_end":"AQ==","rangeEnd":null}').rangeEnd).toHaveLength(0);
    const leases = LeaseService.leaseGrant.request;
    expect(messageFromJson(leases, '{"TTL":"9","ID":7587886512309876543}')).toEqual({
      ttl: 9,
      id: 7587886512309876543n,
    });
  });

  test("ignores null, unknown names, and a null document", () => {
    const text = '{"key":null,"kvs":{"a":[1]},"limit":3}';
    expect(messageFromJson(range, text)).toEqual(createRangeRequest({ limit: 3 }));
    expect(messageFromJson(range, "null")).toEqual(createRangeRequest());
    expect(messageFromJson(range, "{}")).toEqual(createRangeRequest());
  });

  test("reads integers in and out of quotes, exactly, and clamps revisions", () => {
    const read = (limit: string): number => messageFromJson(range, `{"limit":${limit}}`).limit;
    expect([read("5"), read('"5"'), read('"-5"'), read('" 5 "')]).toEqual([5, 5, -5, 5]);
    expect(read("9223372036854775807")).toBe(Number.MAX_SAFE_INTEGER);
    expect(read('"-9223372036854775808"')).toBe(Number.MIN_SAFE_INTEGER);
    const put = messageFromJson(KVService.put.request, '{"lease":"-9223372036854775808"}');
    expect(put.lease).toBe(-(2n ** 63n));
  });

  test("reads enums by name and by number", () => {
    const read = (order: string): number =>
      messageFromJson(range, `{"sort_order":${order}}`).sortOrder;
    expect([read('"DESCEND"'), read("1"), read("99")]).toEqual([2, 1, 99]);
  });

  test("reads lists, messages in lists, and null in them", () => {
    const text = '{"success":[null,{"request_range":{"key":"YQ=="}},{"requestPut":{}}]}';
    const { success } = messageFromJson(KVService.txn.request, text);
    expect(success.map((op) => op.request?.case)).toEqual([
      undefined,
      "requestRange",
      "requestPut",
    ]);
    const update = ClusterService.memberUpdate.request;
    expect(messageFromJson(update, '{"peerURLs":["a",null,"b"]}').peerUrls).toEqual(["a", "", "b"]);
  });

  test.each([
    ['{"limit":true}', "json: cannot unmarshal bool into Go value of type int64"],
    ['{"limit":[1]}', "json: cannot unmarshal array into Go value of type int64"],
    ['{"limit":1.5}', "json: cannot unmarshal number 1.5 into Go value of type int64"],
    ['{"limit":"1.5"}', "json: cannot unmarshal number 1.5 into Go value of type int64"],
    [
      '{"limit":9223372036854775808}',
      "json: cannot unmarshal number 9223372036854775808 into Go value of type int64",
    ],
    ['{"limit":""}', "unexpected end of JSON input"],
    ['{"limit":"abc"}', "invalid character 'a' looking for beginning of value"],
    ['{"limit":"12x"}', "invalid character 'x' after top-level value"],
    [
      '{"sort_order":"FOO"}',
      'unknown value "\\"FOO\\"" for enum etcdserverpb.RangeRequest.SortOrder',
    ],
    ['{"key":5}', "json: cannot unmarshal number into Go value of type []uint8"],
    ['{"key":"Y!=="}', "illegal base64 data at input byte 1"],
    ['{"keys_only":"true"}', "json: cannot unmarshal string into Go value of type bool"],
    ["[]", "json: cannot unmarshal array into Go value of type map[string]json.RawMessage"],
    ['"x"', "json: cannot unmarshal string into Go value of type map[string]json.RawMessage"],
  ])("refuses %s", (text, message) => {
    expect(() => messageFromJson(range, text)).toThrow(new JsonError(message));
  });

  test("refuses what is no list, no text, no JSON", () => {
    const txn = KVService.txn.request;
    expect(() => messageFromJson(txn, '{"compare":{}}')).toThrow("of type []json.RawMessage");
    const add = AuthService.userAdd.request;
    expect(() => messageFromJson(add, '{"name":5}')).toThrow(
      "json: cannot unmarshal number into Go value of type string",
    );
    expect(() => messageFromJson(range, '{"key":')).toThrow(JsonError);
  });
});
