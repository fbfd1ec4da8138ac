import { expect, it } from "vitest";
import { makeAmfArray, makeAmfObject } from "../../formats/amf/amf-value.ts";
import {
  canReceive,
  capabilityFields,
  ownCapabilities,
  parseCapabilities,
  type RtmpCapabilities,
} from "./capabilities.ts";

function parse(fields: Parameters<typeof makeAmfObject>[0]): RtmpCapabilities | undefined {
  return parseCapabilities(makeAmfObject(fields));
}

it("is undefined for a peer that announces nothing", () => {
  const capabilities = parse({ app: "live" });
  expect(capabilities).toBeUndefined();
  expect(canReceive(capabilities, "video", "avc1")).toBe(false);
});

it("reads back what it writes", () => {
  expect(parse(capabilityFields(ownCapabilities))).toEqual(ownCapabilities);
});

it("takes the list of E-RTMP v1 for both kinds", () => {
  const capabilities = parse({ fourCcList: ["av01", "Opus"] });
  expect(canReceive(capabilities, "video", "av01")).toBe(true);
  expect(canReceive(capabilities, "audio", "Opus")).toBe(true);
  expect(canReceive(capabilities, "video", "hvc1")).toBe(false);
});

it("takes a list in an ECMA array", () => {
  expect(parse({ fourCcList: makeAmfArray({ 0: "av01" }) })?.fourCcList).toEqual(["av01"]);
});

it("needs decode or forward: who can only encode does not want to receive", () => {
  const capabilities = parse({ videoFourCcInfoMap: makeAmfObject({ av01: 1, hvc1: 2, vp09: 4 }) });
  expect(["av01", "hvc1", "vp09"].map((fourCc) => canReceive(capabilities, "video", fourCc))).toEqual([
    true,
    false,
    true,
  ]);
  expect(canReceive(capabilities, "audio", "av01")).toBe(false);
});

it("takes * for every codec of its kind", () => {
  const capabilities = parse({ audioFourCcInfoMap: makeAmfObject({ "*": 4 }) });
  expect(canReceive(capabilities, "audio", "fLaC")).toBe(true);
  expect(canReceive(capabilities, "video", "av01")).toBe(false);
  expect(canReceive(parse({ fourCcList: ["*"] }), "video", "av01")).toBe(true);
});

it("ignores what makes no sense", () => {
  const capabilities = parse({
    fourCcList: [1, "toolong", "av01", null],
    videoFourCcInfoMap: makeAmfObject({ av01: "x", hvc1: Number.NaN, vp09: -1, __proto__x: 7 }),
    capsEx: 1e300,
  });
  expect(capabilities?.fourCcList).toEqual(["av01"]);
  expect([...(capabilities?.videoFourCcs ?? [])]).toEqual([
    ["hvc1", 0],
    ["vp09", 0],
  ]);
  expect(capabilities?.capsEx).toBe(0);
});
