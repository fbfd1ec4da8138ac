/** The keyboard: space plays and pauses, m mutes, f fills the screen. */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import type { LivePlayer } from "../player/live-player.ts";

export function useShortcuts(player: LivePlayer, stage: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
      switch (event.key.toLowerCase()) {
        case " ":
          player.togglePlay();
          break;
        case "m":
          player.setMuted(!player.muted.value);
          break;
        case "f":
          toggleFullScreen(stage.current);
          break;
        default:
          return;
      }
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [player, stage]);
}

/** An iPhone fills the screen with the video element only. */
export function toggleFullScreen(stage: HTMLElement | null): void {
  if (document.fullscreenElement !== null && document.fullscreenElement !== undefined) {
    void document.exitFullscreen();
  } else if (stage?.requestFullscreen !== undefined) {
    stage.requestFullscreen().catch(() => undefined);
  } else {
    const video = stage?.querySelector("video") as (HTMLVideoElement & { webkitEnterFullscreen?: () => void }) | null;
    video?.webkitEnterFullscreen?.();
  }
}

/** Keys that the focused element has its own use for. */
function isTaken(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  if (target.matches("input:not([type=range]), textarea, select, [contenteditable]")) return true;
  return event.key === " " && target.matches("button, a, summary, input");
}
