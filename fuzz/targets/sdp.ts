/**
 * Session descriptions under random text: what is read is the same after it was written, and so is each track in it; no text can
 * make a line of its own in what is written.
 */

import { isDeepStrictEqual } from "node:util";
import { assert } from "../../src/bytes/assert.ts";
import { CodedError } from "../../src/bytes/coded-error.ts";
import { equalBytes } from "../../src/bytes/equal-bytes.ts";
import { parseTrackInfo } from "../../src/codecs/track-info.ts";
import type { RtpTrack } from "../../src/protocols/rtp-payload-format.ts";
import { parseBase64, writeBase64 } from "../../src/protocols/sdp/base64.ts";
import { maxSdpLength } from "../../src/protocols/sdp/limits.ts";
import { trackCases } from "../../src/protocols/sdp/rtp-track.cases.ts";
import { mediaOf, trackOf } from "../../src/protocols/sdp/rtp-track.ts";
import { sessionCases } from "../../src/protocols/sdp/session-description.cases.ts";
import {
  parseSessionDescription,
  type SessionDescription,
  writeSessionDescription,
} from "../../src/protocols/sdp/session-description.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

export const target: FuzzTarget = {
  name: "sdp",
  covers: [
    "src/protocols/sdp/attributes.ts",
    "src/protocols/sdp/base64.ts",
    "src/protocols/sdp/candidate.ts",
    "src/protocols/sdp/media-description.ts",
    "src/protocols/sdp/rtp-track.ts",
    "src/protocols/sdp/session-description.ts",
    "src/protocols/sdp/sound-parameters.ts",
    "src/protocols/sdp/video-parameters.ts",
  ],
  corpora: ["sdp", "sdp_fmtp", "sdp_ice_fragment"],
  seeds: () => [...sessionCases, ...trackCases].map(({ lines }) => new TextEncoder().encode(lines.join("\r\n"))),
  run(bytes) {
    const text = new TextDecoder().decode(bytes);
    const decoded = parseBase64(text);
    assert(equalBytes(parseBase64(writeBase64(decoded)), decoded), "base64 changed");
    const session = parseSessionDescription(text);
    const written = writeSessionDescription(session);
    assert(/^(?:[a-z]=[^\r\n]*\r\n)+$/.test(written), "what was written is not lines");
    // Inherited values stand in every section, so it may be longer than what was read.
    if (written.length <= maxSdpLength) assertSame(session, parseAgain(written));
    for (const media of session.media) {
      for (const payloadType of media.payloadTypes) {
        try {
          rewriteTrack(trackOf(media, payloadType));
        } catch (error) {
          if (!(error instanceof CodedError)) throw error;
        }
      }
    }
  },
};

function parseAgain(written: string): SessionDescription | undefined {
  try {
    return parseSessionDescription(written);
  } catch (error) {
    if (error instanceof CodedError && error.message.includes("lines")) return undefined; // inherited, as above
    throw error;
  }
}

function assertSame(session: SessionDescription, again: SessionDescription | undefined): void {
  assert(again === undefined || isDeepStrictEqual(again, session), "a session description changed");
}

/** What AAC, AV1 and G.722 leave out of a description comes from elsewhere; all others come back as they were. */
function rewriteTrack(track: RtpTrack): void {
  const { codec, config } = track;
  if (config.length > 0) parseTrackInfo(codec, config);
  if (codec === "aac" && config.length === 0) return;
  const again = trackOf(mediaOf(track, 96), 96);
  assert(again.codec === codec && equalBytes(again.config, config), "a track changed");
}
