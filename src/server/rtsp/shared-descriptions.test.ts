import { expect, test } from "vitest";
import type { RtspDescription, RtspTrack } from "../../bridges/rtsp-egress.ts";
import { SharedDescriptions } from "./shared-descriptions.ts";

function description(sdp: string, ssrc = 1, leftOut: string[] = []): RtspDescription {
  return { sdp, tracks: [{ ssrc } as RtspTrack], leftOut };
}

test("what says the same is kept once", () => {
  const shared = new SharedDescriptions();
  const first = shared.share("live/a", description("x"));
  expect(shared.share("live/a", description("x"))).toBe(first);
});

test.each<[string, string, RtspDescription]>([
  ["of another stream", "live/b", description("x")],
  ["with another text", "live/a", description("y")],
  ["of other tracks", "live/a", description("x", 2)],
  ["that leaves something out", "live/a", description("x", 1, ["sound"])],
])("one %s is another", (_what, stream, made) => {
  const shared = new SharedDescriptions();
  shared.share("live/a", description("x"));
  expect(shared.share(stream, made)).toBe(made);
});

test("those that nobody asks for any more are let go", () => {
  const shared = new SharedDescriptions();
  const asked = shared.share("live/a", description("x"));
  const forgotten = shared.share("live/b", description("x"));
  for (let i = 0; i < 199; i++) {
    shared.share(`live/${i}`, description("x"));
    shared.share("live/a", description("x"));
  }
  expect(shared.share("live/a", description("x"))).toBe(asked);
  expect(shared.share("live/b", description("x"))).not.toBe(forgotten);
});
