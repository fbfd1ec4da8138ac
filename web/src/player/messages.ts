/** What each situation is called, and what a person can do about it: every sentence the page says in trouble. */

import type { StreamAddress, Transport } from "../address.ts";
import type { Problem } from "../media/availability.ts";
import type { Codec } from "../media/codecs.ts";
import type { TrackSet } from "../media/media-session.ts";
import type { Phase, Situation } from "./situation.ts";

export interface Message {
  readonly tone: "calm" | "warning" | "error";
  readonly title: string;
  readonly text: string;
  /** The server's error code, for whoever is asked for help. */
  readonly code?: string;
  readonly action?: "try-again" | "play";
}

/** One line for the status bar and for screen readers. */
export function statusLine(
  phase: Phase,
  situation: Situation | undefined,
  transport: Transport,
  address: StreamAddress,
): string {
  switch (phase) {
    case "connecting":
      return "Connecting…";
    case "playing":
      return `Playing live over ${transport === "websocket" ? "WebSocket" : "HTTP"}`;
    case "stalled":
      return "Waiting for more media…";
    case "paused":
      return "Paused. Playing again continues at the live edge.";
    default:
      return situation === undefined ? "Reconnecting…" : messageFor(situation, address).title;
  }
}

export function messageFor(situation: Situation, address: StreamAddress): Message {
  const name = address.streamName;
  switch (situation.kind) {
    case "absent":
      return situation.endedAt === undefined
        ? {
            tone: "calm",
            title: `Nobody is publishing ${name} yet`,
            text: "Playback starts by itself as soon as the stream arrives.",
          }
        : {
            tone: "calm",
            title: `${name} has ended`,
            text: `The publisher left at ${clock(situation.endedAt)}. Playback goes on by itself when it returns.`,
          };
    case "refused":
      return refusal(situation.problem, address);
    case "busy":
      return {
        tone: "warning",
        title: "The server can't take another viewer now",
        text: situation.problem.detail || "It is overloaded or shutting down. The page keeps trying.",
        code: codeOf(situation.problem),
        action: "try-again",
      };
    case "unreachable":
      return {
        tone: "warning",
        title: "The server does not answer",
        text: "It is down, or this device has no network. The page keeps trying.",
        action: "try-again",
      };
    case "silent":
      return {
        tone: "warning",
        title: "No media has come for some seconds",
        text: "The publisher has left or stalled, or the network has. Playback goes on by itself.",
        action: "try-again",
      };
    case "interrupted":
      return {
        tone: "warning",
        title: "The connection was interrupted",
        text: "The page connects again by itself.",
        action: "try-again",
      };
    case "no-media-source":
      return {
        tone: "error",
        title: "This browser can't play live streams",
        text: `It lacks Media Source Extensions. Use a current Chrome, Edge, Firefox or Safari (iOS 17.1 or later), or open ${address.flvUrl} in VLC.`,
      };
    case "autoplay-blocked":
      return {
        tone: "calm",
        title: "Ready to play",
        text: "This browser starts media only after a click.",
        action: "play",
      };
    case "unplayable":
      return unplayable(situation.codecs, address);
    case "broken":
      return {
        tone: "error",
        title: "The browser gave up on this stream",
        text: `It reported: ${situation.reason}. If that happens again, the stream itself is probably damaged: check the encoder.`,
        action: "try-again",
      };
  }
}

/** What is said beside a picture that plays without all of its tracks; undefined when nothing is missing. */
export function leftOutLine(tracks: TrackSet | undefined): string | undefined {
  const codec = tracks?.leftOut[0];
  if (codec === undefined || tracks?.leftOut.length === 2) return undefined;
  const advice = adviceFor(codec);
  return codec.kind === "audio"
    ? `No sound: it is sent as ${codec.label}, which ${whoCannot(codec)}. ${advice}`
    : `No picture: it is sent as ${codec.label}, which ${whoCannot(codec)}. ${advice}`;
}

function refusal(problem: Problem, address: StreamAddress): Message {
  if (problem.status === 401 || problem.status === 403) {
    return {
      tone: "error",
      title: `You may not watch ${address.streamName}`,
      text: address.hasToken
        ? "The token in this page's address was not accepted: it may have expired or belong to another stream."
        : problem.detail || "Ask its owner for an address that ends in ?token=…",
      code: codeOf(problem),
      action: "try-again",
    };
  }
  if (problem.status === 400 || problem.status === 414) {
    return {
      tone: "error",
      title: `“${address.streamName}” is not a stream's name`,
      text: problem.detail || "Names look like live/cam: letters, digits, dot, underscore and hyphen between slashes.",
      code: codeOf(problem),
    };
  }
  return {
    tone: "error",
    title: problem.title || `The server answered ${problem.status}`,
    text: problem.detail || "It gave no reason. The server's log says more.",
    code: codeOf(problem),
    action: "try-again",
  };
}

function unplayable(codecs: readonly Codec[], address: StreamAddress): Message {
  const [codec] = codecs;
  if (codec === undefined) {
    return {
      tone: "error",
      title: "The stream has neither picture nor sound that the page can read",
      text: `It may be multitrack. VLC or ffplay may play ${address.flvUrl}.`,
    };
  }
  return {
    tone: "error",
    title: `${codecs.map(({ label }) => label).join(" and ")} can't be played here`,
    text: `${address.streamName} is sent as ${codec.label}, which ${whoCannot(codec)}. ${adviceFor(codec)} VLC or ffplay can open ${address.flvUrl}.`,
  };
}

/** A codec without a media type is one no browser is ever offered over FLV; otherwise it is this browser's choice. */
function whoCannot(codec: Codec): string {
  return codec.mimeType === undefined ? "browsers can't play from FLV" : "this browser does not decode";
}

function adviceFor(codec: Codec): string {
  if (codec.kind === "audio") return "Set the encoder to AAC or Opus.";
  return codec.id === "hvc1" || codec.id === "12"
    ? "Set the encoder to H.264, or use a browser and device with a hardware HEVC decoder."
    : "Set the encoder to H.264.";
}

function codeOf(problem: Problem): string {
  return problem.code || `HTTP ${problem.status}`;
}

function clock(time: Date): string {
  return time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
