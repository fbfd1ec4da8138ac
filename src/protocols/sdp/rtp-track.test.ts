import { describe, expect, it } from "vitest";
import type { CodecName } from "../../codecs/codec-name.ts";
import { parseTrackInfo } from "../../codecs/track-info.ts";
import { ERR_SDP_CODEC } from "./errors.ts";
import type { MediaDescription } from "./media-description.ts";
import { trackCases, writtenTrackCases } from "./rtp-track.cases.ts";
import { mediaOf, staticPayloadTypeOf, supportedTracksOf, trackOf } from "./rtp-track.ts";
import { parseSessionDescription, plainSession, writeSessionDescription } from "./session-description.ts";

describe("a track of a media section", () => {
  it.each(trackCases)("is read: $name", ({ lines, track }) => {
    expect(trackOf(sectionOf(lines), track.payloadType)).toEqual(track);
  });

  it.each(trackCases.filter(({ track }) => track.config.length > 0))(
    "has a sound configuration: $name",
    ({ track }) => {
      expect(() => parseTrackInfo(track.codec, track.config)).not.toThrow();
    },
  );

  it.each(writtenTrackCases)("is written: $name", ({ lines, described, track }) => {
    const media = [mediaOf(described, track.payloadType)];
    const text = writeSessionDescription({ ...plainSession, media });
    expect(text.slice(text.indexOf("m=")).split("\r\n")).toEqual([...lines, ""]);
  });

  it.each([
    ["a codec by its name", ["m=video 0 RTP/AVP 96", "a=rtpmap:96 MP4V-ES/90000"], "MP4V-ES"],
    ["a static type by the codec's name", ["m=video 0 RTP/AVP 26"], "JPEG"],
    ["G.726", ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 G726-32/8000"], "G726-32"],
    ["the loss-tolerant form of MP3", ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 mpa-robust/90000"], "mpa-robust"],
    ["a dynamic type that nobody explains", ["m=video 0 RTP/AVP 96"], "96"],
    [
      "H.264 with interleaving",
      ["m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=2"],
      "h264",
    ],
    [
      "H.265 with interleaving",
      ["m=video 0 RTP/AVP 96", "a=rtpmap:96 H265/90000", "a=fmtp:96 sprop-max-don-diff=2"],
      "h265",
    ],
    [
      "Opus of more channels than a mapping has",
      ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 multiopus/48000/9"],
      "multiopus",
    ],
    ["AAC of which nothing is known", ["m=audio 0 RTP/AVP 97", "a=rtpmap:97 mpeg4-generic"], "AAC"],
  ])("is refused: %s", (_, lines, what) => {
    const media = sectionOf(lines);
    const named = { code: ERR_SDP_CODEC, message: expect.stringContaining(what) };
    expect(() => trackOf(media, media.payloadTypes[0]!)).toThrow(expect.objectContaining(named));
  });

  it("refuses with printable words only", () => {
    const media = sectionOf(["m=video 0 RTP/AVP 96", `a=rtpmap:96 ${"\u{1f4a9}".repeat(30)}/90000`]);
    expect(() => trackOf(media, 96)).toThrow(/codec \?{32} /);
  });

  it("is any of a section's that can be carried, in its order", () => {
    const media = sectionOf([
      "m=audio 0 RTP/AVP 116 8 97 0",
      "a=rtpmap:116 G726-32/8000",
      "a=rtpmap:97 MPEG4-GENERIC/48000",
    ]);
    expect(supportedTracksOf(media).map(({ codec }) => codec)).toEqual(["g711a", "aac", "g711u"]);
  });

  it.each<[number | undefined, CodecName, string]>([
    [0, "g711u", ""],
    [8, "g711a", ""],
    [undefined, "g711a", "00003e800108"],
    [9, "g722", ""],
    [10, "lpcm", "0000ac440210"],
    [11, "lpcm", "0000ac440110"],
    [undefined, "lpcm", "0000bb800210"],
    [14, "mp3", ""],
    [undefined, "aac", "1190"],
  ])("has payload type %s by itself: %s %s", (payloadType, codec, config) => {
    expect(staticPayloadTypeOf({ codec, config: Uint8Array.fromHex(config) })).toBe(payloadType);
  });

  it.each<[CodecName, string]>([
    ["flac", ""],
    ["lpcm", "0000bb800208"],
  ])("is not written: %s %s", (codec, config) => {
    const described = { codec, config: Uint8Array.fromHex(config) };
    expect(() => mediaOf(described, 96)).toThrow(expect.objectContaining({ code: ERR_SDP_CODEC }));
  });
});

function sectionOf(lines: readonly string[]): MediaDescription {
  return parseSessionDescription(lines.join("\r\n")).media[0]!;
}
