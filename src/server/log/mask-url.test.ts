import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maskUrl, maskUrlsInJson } from "./mask-url.ts";

describe("maskUrl", () => {
  test.each([
    ["rtmp://host/live/cam?token=swordfish", "rtmp://host/live/cam?token=***"],
    ["live/cam?a=1&token=swordfish&b=2", "live/cam?a=1&token=***&b=2"],
    ["cam?TOKEN=swordfish", "cam?TOKEN=***"],
    ["cam?%74oken=swordfish", "cam?%74oken=***"],
    ["cam?stream_key=swordfish&streamKey=swordfish", "cam?stream_key=***&streamKey=***"],
    ["cam?a=1?token=swordfish", "cam?a=1?token=***"],
    ["cam?token=sword?fish#swordfish", "cam?token=***"],
    ["cam?token=sword fish", "cam?token=***"],
    ["cam?token=a=b==", "cam?token=***"],
    ["rtmp://user:swordfish@host:1935/live", "rtmp://user:***@host:1935/live"],
    ["rtmp://user:sword@fish@host/live", "rtmp://user:***@host/live"],
    [
      "rtsp://cam/user=admin_password=sword_fish_channel=1_stream=0.sdp?real",
      "rtsp://cam/user=admin_password=***?real",
    ],
    ["rtmp://host:1935/live/a@b:c", "rtmp://host:1935/live/a@b:c"],
    ["http://host/live/cam.flv?audio=0&tokens=1", "http://host/live/cam.flv?audio=0&tokens=1"],
    ["cam?token=", "cam?token="],
    ["cam?%=1&%zz=2", "cam?%=1&%zz=2"],
    ["", ""],
  ])("%s → %s", (url, masked) => {
    expect(maskUrl(url)).toBe(masked);
  });
});

describe("maskUrlsInJson", () => {
  test("masks every address of a line and nothing behind it", () => {
    const line = JSON.stringify({
      msg: "from rtmp://h/a?token=swordfish to http://u:swordfish@h/b?key=swordfish",
      b: "?c=d",
    });
    expect(JSON.parse(maskUrlsInJson(line))).toEqual({
      msg: "from rtmp://h/a?token=*** to http://u:***@h/b?key=***",
      b: "?c=d",
    });
  });

  test("leaves valid JSON valid, whatever stands in the secret", () => {
    const nasty = fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[?&="\\ @:/token]*$/));
    fc.assert(
      fc.property(nasty, nasty, (before, secret) => {
        const line = JSON.stringify({ msg: `${before}?token=${secret}`, next: { key: `rtmp://u:${secret}@h` } });
        expect(() => JSON.parse(maskUrlsInJson(line))).not.toThrow();
      }),
      { numRuns: 2000, seed: 3 },
    );
  });

  test("takes linear time", () => {
    const started = performance.now();
    for (const piece of ["?token=", "://a:", "&a", "://", "?"]) maskUrlsInJson(piece.repeat(50_000));
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
