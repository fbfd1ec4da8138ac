/** The picture with everything that lies on it: notices, the unmute button, the controls. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { StreamAddress } from "../address.ts";
import type { LivePlayer } from "../player/live-player.ts";
import { ControlBar } from "./control-bar.tsx";
import { SoundIcon, SoundOffIcon } from "./icons.tsx";
import { toggleFullScreen, useShortcuts } from "./shortcuts.ts";
import { StageNotice } from "./stage-notice.tsx";

interface StageProps {
  readonly address: StreamAddress;
  readonly player: LivePlayer;
  /** The picture only: no controls, the stage fills the window. */
  readonly isEmbedded: boolean;
}

/** The controls leave the picture alone when the pointer has rested that long. */
const hideControlsMs = 2_500;

export function Stage({ address, player, isEmbedded }: StageProps): JSX.Element {
  const stage = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const isPointerActive = useSignal(true);
  const hideTimer = useRef<number>(undefined);

  useEffect(() => {
    if (video.current !== null) player.start(video.current);
  }, [player]);
  useShortcuts(player, stage);

  const phase = player.phase.value;
  const showControls = (): void => {
    isPointerActive.value = true;
    clearTimeout(hideTimer.current);
    hideTimer.current = setTimeout(() => {
      isPointerActive.value = false;
    }, hideControlsMs);
  };

  // Whoever never moves a pointer gets the picture to itself too.
  useEffect(showControls, [phase]);

  const tracks = player.tracks.value;
  const isPlaying = phase === "playing" || phase === "stalled";
  const isSoundOnly = isPlaying && player.stats.value.width === 0 && tracks?.audio !== undefined;
  const hasSound = tracks?.audio !== undefined && !tracks.leftOut.includes(tracks.audio);
  const hideControls = phase === "playing" && !isPointerActive.value;
  return (
    <section
      ref={stage}
      class={`stage ${isEmbedded ? "stage-embedded" : ""} ${hideControls ? "stage-quiet" : ""}`}
      aria-label={`Player for ${address.streamName}`}
      onPointerMove={showControls}
      onPointerDown={showControls}
    >
      {/* biome-ignore lint/a11y/useMediaCaption: a live stream over FLV carries no captions to offer. */}
      <video
        ref={video}
        class="picture"
        playsInline
        disableRemotePlayback
        aria-label={`Live picture of ${address.streamName}`}
        onDblClick={() => toggleFullScreen(stage.current)}
      />
      {isSoundOnly && <SoundOnly />}
      <StageNotice address={address} player={player} />
      {!isEmbedded && isPlaying && hasSound && player.muted.value && <UnmuteButton player={player} />}
      {!isEmbedded && <ControlBar player={player} onFullScreen={() => toggleFullScreen(stage.current)} />}
    </section>
  );
}

function UnmuteButton({ player }: { readonly player: LivePlayer }): JSX.Element {
  return (
    <button type="button" class="unmute" onClick={() => player.setMuted(false)}>
      <SoundOffIcon />
      {player.soundBlocked.value ? "The browser started without sound: unmute" : "Unmute"}
    </button>
  );
}

function SoundOnly(): JSX.Element {
  return (
    <div class="sound-only">
      <div class="sound-bars" aria-hidden="true">
        <span />
        <span />
        <span />
        <span />
        <span />
      </div>
      <p>
        <SoundIcon /> Sound only: this stream has no picture
      </p>
    </div>
  );
}
