import { describe, expect, it } from "vitest";
import { checkValue, multicastRange, type Option, portRange } from "./option.ts";

const common = { default: "", doc: "Some." };

describe("a range of ports", () => {
  it.each([
    ["20000-20999", { first: 20_000, last: 20_999 }],
    ["1-65535", { first: 1, last: 65_535 }],
    ["", undefined],
  ])("%j is %j", (text, value) => {
    expect(checkValue(portRange(common), text)).toEqual({ value });
  });

  it.each(["20000", "20001-20000", "5-5", "0-5", "1-65536", "1-2-3", "-1-5", " 1-5", "a-b", 20_000])(
    "%j is none",
    (text) => refuse(portRange(common), text),
  );
});

describe("a range of multicast groups", () => {
  it.each([
    ["239.255.0.0/16", { base: 0xef_ff_00_00, count: 65_536 }],
    ["224.0.0.0/4", { base: 0xe0_00_00_00, count: 2 ** 28 }],
    ["239.1.2.3/32", { base: 0xef_01_02_03, count: 1 }],
  ])("%j is %j", (text, value) => {
    expect(checkValue(multicastRange(common), text)).toEqual({ value });
  });

  it.each([
    ...["239.255.0.0", "239.255.0.1/16", "239.0.0.0/33", "239.0.0.0/-1", "239.0.0.0/", "", "ff02::/16"],
    ...["10.0.0.0/8", "240.0.0.0/8", "192.0.0.0/3", "239.255.0.0/16/1"],
  ])("%j is none", (text) => refuse(multicastRange(common), text));
});

function refuse(option: Option, text: unknown): void {
  expect(checkValue(option, text)).toHaveProperty("refusal");
}
