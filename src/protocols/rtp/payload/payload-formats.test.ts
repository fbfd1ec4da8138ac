import { expect, it } from "vitest";
import { aacHbr, aacLbr, type RtpTrack } from "../../rtp-payload-format.ts";
import type { PayloadSink } from "../payload.ts";
import { isSamePayloadFormat, marksFrameEnd, openPayloadReader, openPayloadWriter } from "./payload-formats.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);
const latmConfig = { audioSpecificConfig: hex("1190"), subFrameCount: 1, fixedFrameBytes: undefined, otherDataBits: 0 };
const avcConfig = hex("0142c00cffe000"); // its parameter sets are elsewhere

/** A frame of each payload format, as docs/frames.md has it. */
const cases: readonly { track: Omit<RtpTrack, "payloadType">; frame: Uint8Array; marks: boolean }[] = [
  track("h264", { name: "h264" }, "00000004" + "65888400", true, avcConfig),
  track("vp8", { name: "vp8" }, "50010000" + "9d012a0200020000", true),
  track("aac", { name: "aac-generic", fields: aacHbr, frameTicks: 1_024 }, "2110045678", true, hex("1190")),
  track("aac", { name: "aac-latm", muxConfig: latmConfig }, "2110045678", true, hex("1190")),
  track("opus", { name: "opus" }, "fc112233", false),
  track("mp3", { name: "mpeg-audio" }, `fff314c0${"5a".repeat(20)}`, false),
  track("ac3", { name: "ac3" }, `0b77000000400000${"a5".repeat(120)}`, true),
  track("eac3", { name: "eac3" }, `0b7700073480${"11".repeat(10)}`, true),
  track("lpcm", { name: "pcm", tickBytes: 4 }, "0001000200030004", false, hex("0000bb800210")),
];

it.each(cases)(
  "$track.payloadFormat.name: what the writer writes the reader reads",
  ({ track: known, frame, marks }) => {
    const rtpTrack = { ...known, payloadType: 96 };
    const reader = openPayloadReader(rtpTrack);
    const sink = new LastPayload();
    const options = { maxPayloadBytes: 1_200, repeatsConfig: false, initialPictureId: 0 };
    openPayloadWriter(rtpTrack, options).writeFrame(frame, true, sink);
    reader.handle(sink.bytes, 90_000, true, false);
    const found = reader.poll();
    expect(found?.data).toEqual(frame);
    expect(found?.timestamp).toBe(90_000);
    expect(marksFrameEnd(known.payloadFormat)).toBe(marks);
  },
);

it.each(["h265", "vvc", "av1", "vp9"] as const)("%s has a reader that waits for its configuration", (name) => {
  const reader = openPayloadReader({
    payloadType: 96,
    codec: name,
    clockRate: 90_000,
    config: hex(""),
    payloadFormat: { name },
  });
  expect(reader.poll()).toBeUndefined();
  expect(reader.droppedFrameCount).toBe(0);
});

it("packets of one form are not taken for those of another of the same codec", () => {
  const generic = { name: "aac-generic", fields: aacHbr, frameTicks: 1_024 } as const;
  const latm = { name: "aac-latm", muxConfig: latmConfig } as const;
  expect(isSamePayloadFormat(generic, { ...generic, fields: { ...aacHbr } })).toBe(true);
  expect(isSamePayloadFormat(generic, { ...generic, fields: aacLbr })).toBe(false);
  expect(isSamePayloadFormat(generic, { ...generic, frameTicks: 960 })).toBe(false);
  expect(isSamePayloadFormat(generic, latm)).toBe(false);
  expect(isSamePayloadFormat(latm, latm)).toBe(false); // its configuration may differ, and is told in another form
  expect(isSamePayloadFormat({ name: "pcm", tickBytes: 4 }, { name: "pcm", tickBytes: 4 })).toBe(true);
  expect(isSamePayloadFormat({ name: "pcm", tickBytes: 4 }, { name: "pcm", tickBytes: 2 })).toBe(false);
  expect(isSamePayloadFormat({ name: "h264" }, { name: "h264" })).toBe(true);
  expect(isSamePayloadFormat({ name: "h264" }, { name: "h265" })).toBe(false);
});

function track(
  codec: RtpTrack["codec"],
  payloadFormat: RtpTrack["payloadFormat"],
  frame: string,
  marks: boolean,
  config: Uint8Array = hex(""),
): (typeof cases)[number] {
  return { track: { codec, clockRate: 90_000, config, payloadFormat }, frame: hex(frame), marks };
}

class LastPayload implements PayloadSink {
  bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  begin(payloadBytes: number): void {
    this.bytes = new Uint8Array(payloadBytes);
    this.#at = 0;
  }

  write(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    this.bytes.set(bytes.subarray(start, end), this.#at);
    this.#at += end - start;
  }
}
