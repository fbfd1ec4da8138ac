/** Play, sound and full screen, along the lower edge of the stage. */

import type { JSX } from "preact";
import type { LivePlayer } from "../player/live-player.ts";
import { FullScreenIcon, PauseIcon, PlayIcon, SoundIcon, SoundOffIcon } from "./icons.tsx";

interface ControlBarProps {
  readonly player: LivePlayer;
  readonly onFullScreen: () => void;
}

export function ControlBar({ player, onFullScreen }: ControlBarProps): JSX.Element | null {
  const phase = player.phase.value;
  if (phase !== "playing" && phase !== "stalled" && phase !== "paused") return null;
  const isPaused = phase === "paused";
  const isMuted = player.muted.value;
  const { transport, delaySeconds } = player.stats.value;
  return (
    <div class="controls">
      <ControlButton label={isPaused ? "Play" : "Pause"} shortcut="space" onClick={() => player.togglePlay()}>
        {isPaused ? <PlayIcon /> : <PauseIcon />}
      </ControlButton>
      <ControlButton label={isMuted ? "Unmute" : "Mute"} shortcut="m" onClick={() => player.setMuted(!isMuted)}>
        {isMuted ? <SoundOffIcon /> : <SoundIcon />}
      </ControlButton>
      <input
        class="volume"
        type="range"
        min="0"
        max="1"
        step="0.05"
        value={isMuted ? 0 : player.volume.value}
        aria-label="Volume"
        onInput={(event) => player.setVolume(Number(event.currentTarget.value))}
      />
      <span class="controls-gap" />
      <span class="controls-note">
        {transport === "websocket" ? "WebSocket" : "HTTP"}
        {delaySeconds !== undefined && !isPaused && ` · ${delaySeconds.toFixed(1)} s`}
      </span>
      <ControlButton label="Full screen" shortcut="f" onClick={onFullScreen}>
        <FullScreenIcon />
      </ControlButton>
    </div>
  );
}

interface ControlButtonProps {
  readonly label: string;
  readonly shortcut: string;
  readonly onClick: () => void;
  readonly children: JSX.Element;
}

function ControlButton({ label, shortcut, onClick, children }: ControlButtonProps): JSX.Element {
  return (
    <button type="button" class="control" aria-label={label} title={`${label} (${shortcut})`} onClick={onClick}>
      {children}
    </button>
  );
}
