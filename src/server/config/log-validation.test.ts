import { describe, expect, test } from "vitest";
import { parseLogRotation } from "./log-validation.ts";

describe("parseLogRotation", () => {
  test("reads the fields of lumberjack, in any case, and takes no notice of others", () => {
    const text =
      '{"maxsize": 1, "MaxAge": 2, "maxbackups": 3, "localtime": true, "compress": true, "x": {}}';
    expect(parseLogRotation(text)).toEqual({
      maxSizeMegabytes: 1,
      maxAgeDays: 2,
      maxBackups: 3,
      localTime: true,
      compress: true,
    });
  });

  // The real one crashes on the first.
  test.each(["{}", "null", '{"maxsize": null}'])("%s leaves the defaults", (text) => {
    expect(parseLogRotation(text)).toMatchObject({ maxSizeMegabytes: 0, compress: false });
  });

  // As the real etcd answers.
  test.each([
    ["{", "improperly formatted log rotation config: unexpected end of JSON input"],
    ["", "improperly formatted log rotation config: unexpected end of JSON input"],
    [
      "x",
      "improperly formatted log rotation config: invalid character 'x' looking for beginning of value",
    ],
    [
      '{"maxsize": "a"}',
      "invalid log rotation config: json: cannot unmarshal string into Go struct field logRotationConfig.Logger.maxsize of type int",
    ],
    [
      '{"maxsize": 1.5}',
      "invalid log rotation config: json: cannot unmarshal number 1.5 into Go struct field logRotationConfig.Logger.maxsize of type int",
    ],
    [
      '{"maxsize":null,"compress":1}',
      "invalid log rotation config: json: cannot unmarshal number into Go struct field logRotationConfig.Logger.compress of type bool",
    ],
    [
      "[]",
      "invalid log rotation config: json: cannot unmarshal array into Go value of type embed.logRotationConfig",
    ],
  ])("complains of %s as Go does", (text, problem) => {
    expect(parseLogRotation(text)).toBe(problem);
  });
});
