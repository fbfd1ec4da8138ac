/**
 * Range, as far as a live stream needs it: RFC 2326 §12.29, §3.6. There is one position, so the only question is how the client
 * wants to be told: `npt=now-` to those who asked for now or for a position (a resume), and `npt=0.000-` to everybody else,
 * because FFmpeg can't read "now".
 */

import { CodedError } from "../../../bytes/coded-error.ts";
import { ERR_RTSP_HEADER } from "../errors.ts";
import { quoted } from "./headers.ts";

export type RtspRange =
  /** Normal play time in seconds; undefined: open. */
  | { readonly unit: "npt"; readonly start: number | "now" | undefined; readonly end: number | undefined }
  | { readonly unit: "clock" | "smpte"; readonly text: string };

/** Errors: ERR_RTSP_HEADER. */
export function parseRange(value: string): RtspRange {
  const match = /^(npt|clock|smpte(?:-25|-30-drop)?)\s*=\s*([^;]*)/i.exec(value);
  if (match === null) throw malformed(value);
  const unit = (match[1] as string).toLowerCase();
  const text = (match[2] as string).trim();
  if (unit !== "npt") return { unit: unit === "clock" ? "clock" : "smpte", text };
  const dash = text.indexOf("-");
  const [startText, endText] = dash < 0 ? [text, ""] : [text.slice(0, dash).trim(), text.slice(dash + 1).trim()];
  const start = startText.toLowerCase() === "now" ? "now" : parseNpt(startText, value);
  const end = parseNpt(endText, value);
  if (start === undefined && end === undefined) throw malformed(value);
  return { unit: "npt", start, end };
}

/** What the answer to PLAY says. */
export function writeLiveRange(asked: RtspRange | undefined): string {
  const isFromStart = asked === undefined || (asked.unit === "npt" && (asked.start === undefined || asked.start === 0));
  return isFromStart ? "npt=0.000-" : "npt=now-";
}

/** Seconds, or hours:minutes:seconds. */
function parseNpt(text: string, value: string): number | undefined {
  if (text === "") return undefined;
  const match = /^(?:([0-9]{1,9}):([0-9]{1,2}):)?([0-9]{1,12}(?:\.[0-9]{0,9})?)$/.exec(text);
  if (match === null) throw malformed(value);
  const [, hours = "0", minutes = "0", seconds = ""] = match;
  return Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
}

function malformed(value: string): CodedError {
  return new CodedError(ERR_RTSP_HEADER, `expected a range such as npt=0- or npt=now-, got ${quoted(value)}`);
}
