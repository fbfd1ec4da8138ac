/** What the player is doing, and what keeps it from playing. */

import type { Problem } from "../media/availability.ts";
import type { Codec } from "../media/codecs.ts";

export type Phase =
  | "connecting"
  | "playing"
  /** Playback ran dry; the connection is up. */
  | "stalled"
  | "paused"
  /** Nobody publishes; the server is asked until somebody does. */
  | "waiting"
  /** The connection was lost; another one follows by itself. */
  | "retrying"
  /** The browser wants a click before it plays anything. */
  | "blocked"
  /** Only a person can help. */
  | "failed";

export type Situation =
  | { readonly kind: "absent"; readonly endedAt: Date | undefined }
  | { readonly kind: "refused" | "busy"; readonly problem: Problem }
  | { readonly kind: "unreachable" | "silent" | "interrupted" | "no-media-source" | "autoplay-blocked" }
  | { readonly kind: "unplayable"; readonly codecs: readonly Codec[] }
  | { readonly kind: "broken"; readonly reason: string };
