import { describe, expect, test } from "vitest";
import { matchPattern, type StreamEntry, streamSettingsOf } from "./stream-settings.ts";

describe("a pattern of names", () => {
  test.each([
    ["live/cam", "live/cam", ""],
    ["live/cam", "live/cam2", undefined],
    ["live/*", "live/cam", "cam"],
    ["live/*", "live/a/b", "a/b"],
    ["live/*", "live/", undefined],
    ["live/*-hd", "live/cam-hd", "cam"],
    ["live/*-hd", "live/-hd", undefined],
    ["*/cam", "live/cam", "live"],
    ["ab/*ba", "ab/ba", undefined],
  ])("%s for %s", (pattern, key, expected) => {
    expect(matchPattern(pattern, key)).toBe(expected);
  });
});

describe("the settings of a stream", () => {
  const entries: StreamEntry[] = [
    { pattern: "live/*", settings: { forward: ["rtsp://first/*"], rtspTransport: "udp" } },
    { pattern: "live/cam*", settings: { forward: ["rtsp://second/x"], sourceOnDemandTimeoutMs: 1_000 } },
    { pattern: "live/cam1", settings: { source: "rtsp://host/*", rtspTransport: "tcp" } },
  ];

  test("without an entry are the defaults", () => {
    expect(streamSettingsOf(entries, "other/cam")).toMatchObject({ source: "", forward: [], rtspTransport: "auto" });
  });

  test("are those of the exact name, then of the patterns in their order, option by option", () => {
    expect(streamSettingsOf(entries, "live/cam1")).toEqual({
      source: "rtsp://host/*", // of an exact name: nothing stands for anything
      sourceOnDemand: false,
      sourceOnDemandTimeoutMs: 1_000,
      sourceOnDemandCloseAfterMs: 10_000,
      sourceFingerprint: "",
      rtspTransport: "tcp",
      forward: ["rtsp://first/cam1"],
    });
  });

  test("put a name into the path of an address only", () => {
    const source = "rtsp://user:a*b@host:554/cams/*?channel=1";
    expect(streamSettingsOf([{ pattern: "cams/*", settings: { source } }], "cams/door").source).toBe(
      "rtsp://user:a*b@host:554/cams/door?channel=1",
    );
  });
});
