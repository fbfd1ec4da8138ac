/**
 * The session in the sense of RFC 2326 Appendix A: from ANNOUNCE or the first SETUP to TEARDOWN. A connection has one at a time,
 * and a new one after each end.
 */

import type { RtspRequest } from "./message/message.ts";
import { parseSession, type SessionHeader } from "./message/session-header.ts";
import { findScope, type Presentation } from "./presentation.ts";
import { type RtspStatus, status } from "./status.ts";
import { TrackTable } from "./track-table.ts";

export class SessionState {
  readonly tracks: TrackTable = new TrackTable();
  /** What it is about. */
  presentation: Presentation | undefined;
  /** From the first SETUP on. */
  id: string | undefined;
  phase: "ready" | "playing" | "recording" = "ready";

  header(timeoutMs: number): SessionHeader | undefined {
    return this.id === undefined ? undefined : { id: this.id, timeoutSeconds: Math.ceil(timeoutMs / 1000) };
  }

  /** Whether the request names this session, or none: there is only one that it could mean. Errors: ERR_RTSP_HEADER. */
  isNamedBy(request: RtspRequest): boolean {
    const value = request.headers.get("session");
    return value === undefined || parseSession(value).id === this.id;
  }

  /** Whether a packet on a channel of `kind` is of use now. */
  wants(kind: "rtp" | "rtcp"): boolean {
    return this.phase === "recording" || (this.phase === "playing" && kind === "rtcp");
  }

  /** Why PLAY, PAUSE or RECORD is not for now. Errors: ERR_RTSP_HEADER, ERR_RTSP_URL. */
  refuse(request: RtspRequest, method: "PLAY" | "PAUSE" | "RECORD"): RtspStatus | undefined {
    if (!this.isNamedBy(request)) return status.sessionNotFound;
    if (this.id === undefined || this.presentation === undefined) return status.methodNotValidInThisState;
    // A publisher may pause as well (Appendix A.2); GStreamer does at its end.
    const role = method === "RECORD" ? "record" : "play";
    if (method !== "PAUSE" && role !== this.presentation.role) return status.methodNotValidInThisState;
    const scope = findScope(this.presentation, request.url);
    if (scope === undefined) return status.notFound;
    if (scope === "track" && this.tracks.tracks.length > 1) return status.onlyAggregateOperationAllowed;
    return undefined;
  }
}
