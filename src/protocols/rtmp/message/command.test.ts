import { describe, expect, it } from "vitest";
import { makeAmfArray, makeAmfObject } from "../../../formats/amf/amf-value.ts";
import { maxCommandBytes, maxDataBytes, maxNameBytes, maxQueryBytes } from "../limits.ts";
import { badCommandCases, commandCases } from "./command.cases.ts";
import { type Command, parseCommand, writeCommand } from "./command.ts";
import { connectResult, parseConnect } from "./connect.ts";
import { parseData, writeData } from "./data.ts";
import { parsePlay } from "./play.ts";
import { parsePublish } from "./publish.ts";

const badArgument = expect.objectContaining({ code: "ERR_RTMP_COMMAND_ARGUMENT" });

function hexBytes(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex.replaceAll(" ", ""));
}

function command(...values: Command["arguments"]): Command {
  return { name: "test", transactionId: 1, commandObject: null, arguments: values };
}

function connect(fields: Parameters<typeof makeAmfObject>[0]): Command {
  return { name: "connect", transactionId: 1, commandObject: makeAmfObject(fields), arguments: [] };
}

describe("commands", () => {
  for (const { what, typeId, hex, command: expected } of commandCases) {
    it(`reads and writes ${what}`, () => {
      const payload = hexBytes(hex);
      expect(parseCommand(typeId, payload)).toEqual(expected);
      expect(payload).toEqual(hexBytes(hex));
      expect(writeCommand(expected)).toEqual(typeId === 17 ? payload.subarray(1) : payload);
    });
  }

  for (const { what, typeId, hex, code } of badCommandCases) {
    it(`refuses ${what}`, () => {
      expect(() => parseCommand(typeId, hexBytes(hex))).toThrowError(expect.objectContaining({ code }));
    });
  }

  it("reads a name alone: some clients leave out the rest", () => {
    expect(parseCommand(20, hexBytes("020001 61"))).toEqual({
      name: "a",
      transactionId: 0,
      commandObject: undefined,
      arguments: [],
    });
  });

  it("refuses more than 64 KiB before looking at it", () => {
    expect(() => parseCommand(20, new Uint8Array(maxCommandBytes + 1))).toThrowError(
      expect.objectContaining({ code: "ERR_RTMP_COMMAND" }),
    );
  });
});

describe("data messages", () => {
  it("are AMF0, behind a format byte in type 15", () => {
    const payload = writeData("onMetaData", makeAmfArray({ width: 640 }));
    expect(parseData(18, payload)).toBe(payload);
    const wrapped = Uint8Array.of(0, ...payload);
    expect(parseData(15, wrapped)).toEqual(payload);
  });

  it("are bounded", () => {
    expect(() => parseData(18, new Uint8Array(maxDataBytes + 1))).toThrowError(
      expect.objectContaining({ code: "ERR_RTMP_COMMAND" }),
    );
  });
});

describe("connect", () => {
  it("takes app, tcUrl, flashVer and their defaults", () => {
    expect(parseConnect(connect({ app: "live" }))).toEqual({
      app: "live",
      query: "",
      tcUrl: "",
      flashVer: "",
      objectEncoding: 0,
      capabilities: undefined,
    });
  });

  it.each([
    ["live?token=a", "rtmp://h/live?token=b", "live", "token=a"],
    ["live", "rtmp://h/live?token=b", "live", "token=b"],
    ["live/", "rtmp://h/live/", "live", ""],
    ["a/b", "rtmp://h/a/b", "a/b", ""],
    ["a?x=1?y=2", "", "a", "x=1?y=2"],
  ])("splits app %j with tcUrl %j", (app, tcUrl, path, query) => {
    expect(parseConnect(connect({ app, tcUrl }))).toMatchObject({ app: path, query });
  });

  it.each([
    ["no app", {}],
    ["a number for app", { app: 5 }],
    ["an app that is too long", { app: "a".repeat(maxNameBytes + 1) }],
    ["an app whose UTF-8 is too long", { app: "é".repeat(maxNameBytes / 2 + 1) }],
    ["a boolean for tcUrl", { app: "live", tcUrl: true }],
    ["too many FourCC values", { app: "live", fourCcList: Array.from({ length: 65 }, () => "av01") }],
  ])("refuses %s", (_what, fields) => {
    expect(() => parseConnect(connect(fields))).toThrowError(badArgument);
  });

  it("refuses to be without an object", () => {
    expect(() => parseConnect(command())).toThrowError(badArgument);
  });

  it("is answered without E-RTMP for a client that knows none", () => {
    const [properties, information] = connectResult(3, undefined);
    expect(properties).toMatchObject({ type: "object" });
    expect([...((information as ReturnType<typeof makeAmfObject>).fields.keys() as Iterable<string>)]).toEqual([
      "level",
      "code",
      "description",
      "objectEncoding",
    ]);
  });
});

describe("publish", () => {
  it("takes name, query and type", () => {
    expect(parsePublish(command("cam?token=x", "LIVE"))).toEqual({ name: "cam", query: "token=x", kind: "live" });
    expect(parsePublish(command("cam"))).toEqual({ name: "cam", query: "", kind: "live" });
    expect(parsePublish(command("", null))).toEqual({ name: "", query: "", kind: "live" });
  });

  it.each([
    ["false", false],
    ["null", null],
    ["nothing", undefined],
    ["an object", makeAmfObject({ __proto__: "x" })],
    ["513 bytes", "a".repeat(maxNameBytes + 1)],
    ["a query that is too long", `a?${"q".repeat(maxQueryBytes + 1)}`],
  ])("refuses %s for a name", (_what, name) => {
    expect(() => parsePublish(command(name))).toThrowError(badArgument);
  });

  it("refuses a type that is no string", () => {
    expect(() => parsePublish(command("cam", 5))).toThrowError(badArgument);
  });
});

describe("play", () => {
  it("takes name, query, start, duration and reset", () => {
    const expected = { name: "cam", query: "a=b", start: -1000, duration: 5, reset: false };
    expect(parsePlay(command("cam?a=b", -1000, 5, false))).toEqual(expected);
  });

  it("has defaults, also for what is not a number", () => {
    const expected = { name: "cam", query: "", start: -2, duration: -1, reset: true };
    expect(parsePlay(command("cam"))).toEqual(expected);
    expect(parsePlay(command("cam", "x", Number.NaN, undefined))).toEqual(expected);
  });

  it("refuses a name that is no string", () => {
    expect(() => parsePlay(command(5))).toThrowError(badArgument);
  });
});
