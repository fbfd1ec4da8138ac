/** Addresses of pulls and forwards, of requests, and of tracks, under random text. */

import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import {
  contentBaseOf,
  isSameTarget,
  isTrackTarget,
  parseRequestTarget,
  parseRtspUrl,
  resolveControl,
} from "../../src/protocols/rtsp/url.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "rtsp-url",
  covers: ["src/protocols/rtsp/url.ts"],
  corpora: ["url"],
  seeds: () =>
    ["rtsp://u:p%40@host:8554/live/cam?a=b", "rtsps://[::1]/a//b/?x=/y/", "/live/cam?x", "*", "rtsp://h"].map((text) =>
      new TextEncoder().encode(text),
    ),
  run(bytes) {
    const text = new TextDecoder().decode(bytes);
    attempt(() => {
      const { requestUrl, host, port, path, query } = parseRtspUrl(text);
      const again = parseRtspUrl(requestUrl);
      assert(again.requestUrl === requestUrl && again.username === undefined, "an address is not stable");
      assert(again.host === host && again.port === port, "an address lost its host");
      assert(again.path === path && again.query === query, "an address lost its path");
    });
    attempt(() => {
      const base = parseRequestTarget(text);
      if (text === "*") return;
      const contentBase = contentBaseOf(text);
      const found = parseRequestTarget(contentBase);
      assert(isSameTarget(found, base), "a base is not the address that it was made from");
      const track = parseRequestTarget(resolveControl(contentBase, "trackID=1"));
      assert(isTrackTarget(track, base, "trackID=1"), "a track is not found under its base");
      assert(!isTrackTarget(track, base, "trackID=11"), "another track is found");
    });
    resolveControl("rtsp://host/live/cam/", text);
    isTrackTarget(parseRequestTarget("rtsp://host/live/cam/a"), parseRequestTarget("rtsp://host/live/cam"), text);
  },
};

function attempt(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
}
