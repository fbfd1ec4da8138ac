/**
 * The `code` values of onStatus, `_result` and `_error`: RTMP 1.0 §7.2, "ActionScript 3.0: NetStatusEvent", E-RTMP v2, and what
 * Flash Media Server sends beyond them. Peers compare these strings.
 */

export const connectCode = {
  success: "NetConnection.Connect.Success",
  rejected: "NetConnection.Connect.Rejected",
  closed: "NetConnection.Connect.Closed",
  invalidApp: "NetConnection.Connect.InvalidApp",
  reconnectRequest: "NetConnection.Connect.ReconnectRequest",
  callFailed: "NetConnection.Call.Failed",
} as const;

export const publishCode = {
  start: "NetStream.Publish.Start",
  badName: "NetStream.Publish.BadName",
  denied: "NetStream.Publish.Denied",
  failed: "NetStream.Failed",
  unpublishSuccess: "NetStream.Unpublish.Success",
} as const;

export const playCode = {
  reset: "NetStream.Play.Reset",
  start: "NetStream.Play.Start",
  stop: "NetStream.Play.Stop",
  complete: "NetStream.Play.Complete",
  streamNotFound: "NetStream.Play.StreamNotFound",
  failed: "NetStream.Play.Failed",
  unpublishNotify: "NetStream.Play.UnpublishNotify",
  publishNotify: "NetStream.Play.PublishNotify",
  dataStart: "NetStream.Data.Start",
  pauseNotify: "NetStream.Pause.Notify",
  unpauseNotify: "NetStream.Unpause.Notify",
  seekFailed: "NetStream.Seek.Failed",
} as const;

/**
 * Why a publish is refused. "bad-name": the name is taken or no name; "denied": not allowed; "failed": our own fault. FFmpeg, OBS
 * and GStreamer show the description and stop on each.
 */
export type PublishRejection = "bad-name" | "denied" | "failed";

/** Why a play is refused; "failed" also when it is not allowed, as Flash Media Server does. */
export type PlayRejection = "stream-not-found" | "failed";

export const publishRejectionCodes: Record<PublishRejection, string> = {
  "bad-name": publishCode.badName,
  denied: publishCode.denied,
  failed: publishCode.failed,
};

export const playRejectionCodes: Record<PlayRejection, string> = {
  "stream-not-found": playCode.streamNotFound,
  failed: playCode.failed,
};
