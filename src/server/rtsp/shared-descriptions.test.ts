import { describe, expect, test } from "vitest";
import { describeStream } from "../../bridges/rtsp-egress.ts";
import type { Track, TrackFormat } from "../../kernel/frame.ts";
import { parseStreamName } from "../../kernel/stream-name.ts";
import { SharedDescriptions } from "./shared-descriptions.ts";

const all = { wantsAudio: true, wantsVideo: true };
const vp8: TrackFormat = { codec: "vp8", timescale: 90_000, config: new Uint8Array(), codecString: "vp8" };
const ac3: TrackFormat = { ...vp8, codec: "ac3", timescale: 48_000, sampleRate: 48_000, channels: 2 };

const tracks: readonly Track[] = [
  { kind: "video", number: 0, format: vp8 },
  { kind: "audio", number: 0, format: ac3 },
];

function view(name: string, of: readonly Track[] = tracks): Parameters<SharedDescriptions["describe"]>[0] {
  return { name: parseStreamName(name), tracks: of };
}

function identity(stream: string, kind: string, number: number): ReturnType<Parameters<typeof describeStream>[2]> {
  return { ssrc: stream.length + kind.length + number, firstSequence: 1, timestampOffset: 2, initialPictureId: 3 };
}

describe("a description", () => {
  test("is what it would be alone, and kept for all who ask", () => {
    const shared = new SharedDescriptions(identity);
    const first = shared.describe(view("live/a"), all);
    expect(first).toEqual(describeStream(view("live/a"), all, (kind, number) => identity("live/a", kind, number)));
    expect(shared.describe(view("live/a"), all)).toBe(first);
    expect(shared.describe(view("live/a", structuredClone(tracks)), all)).toBe(first);
  });

  test.each<[string, string, readonly Track[], typeof all]>([
    ["another stream", "live/b", tracks, all],
    ["other wishes", "live/a", tracks, { ...all, wantsAudio: false }],
    ["one track", "live/a", tracks.slice(1), all],
    ["another track", "live/a", [{ ...tracks[0]!, number: 1 }, tracks[1]!], all],
    ["another codec", "live/a", [tracks[0]!, { ...tracks[1]!, format: { ...ac3, codec: "eac3" } }], all],
    ["another sample rate", "live/a", [tracks[0]!, { ...tracks[1]!, format: { ...ac3, sampleRate: 44_100 } }], all],
    ["other channels", "live/a", [tracks[0]!, { ...tracks[1]!, format: { ...ac3, channels: 1 } }], all],
    [
      "another configuration",
      "live/a",
      [tracks[0]!, { ...tracks[1]!, format: { ...ac3, config: Uint8Array.of(1) } }],
      all,
    ],
  ])("of %s is another", (_what, name, of, selection) => {
    const shared = new SharedDescriptions(identity);
    const first = shared.describe(view("live/a"), all);
    const other = shared.describe(view(name, of), selection);
    expect(other).not.toBe(first);
    expect(other).toEqual(describeStream(view(name, of), selection, (kind, number) => identity(name, kind, number)));
  });

  test("follows a track whose format changes", () => {
    const shared = new SharedDescriptions(identity);
    const track = { kind: "audio" as const, number: 0, format: ac3 };
    const first = shared.describe(view("live/a", [track]), all);
    track.format = { ...ac3, codec: "mp3" };
    expect(shared.describe(view("live/a", [track]), all).sdp).toContain("RTP/AVP 14");
    expect(first.sdp).toContain("AC3");
  });

  test("that nobody asks for any more is let go", () => {
    const shared = new SharedDescriptions(identity);
    const asked = shared.describe(view("live/a"), all);
    const forgotten = shared.describe(view("live/b"), all);
    for (let i = 0; i < 199; i++) {
      shared.describe(view(`live/${i}`), all);
      shared.describe(view("live/a"), all);
    }
    expect(shared.describe(view("live/a"), all)).toBe(asked);
    expect(shared.describe(view("live/b"), all)).not.toBe(forgotten);
  });
});
