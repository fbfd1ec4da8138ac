/** What lies on the stage while nothing plays: a spinner, or what is wrong and what to do about it. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { StreamAddress } from "../address.ts";
import type { LivePlayer } from "../player/live-player.ts";
import { type Message, messageFor } from "../player/messages.ts";
import { PlayIcon } from "./icons.tsx";

interface StageNoticeProps {
  readonly address: StreamAddress;
  readonly player: LivePlayer;
}

export function StageNotice({ address, player }: StageNoticeProps): JSX.Element | null {
  const phase = player.phase.value;
  const situation = player.situation.value;
  if (phase === "playing") return null;
  if (phase === "paused") {
    return (
      <button type="button" class="big-play" onClick={() => player.play()} aria-label="Play">
        <PlayIcon />
      </button>
    );
  }
  if (situation === undefined) return <div class={`spinner ${phase === "stalled" ? "spinner-late" : ""}`} />;
  const message = messageFor(situation, address);
  return (
    <div class={`notice notice-${message.tone}`}>
      {phase === "waiting" && <div class="ripple" aria-hidden="true" />}
      <h2>{message.title}</h2>
      <p>{message.text}</p>
      {phase === "retrying" && <Countdown dueMs={player.retryAtMs.value} />}
      <Action message={message} player={player} retryWord={phase === "failed" ? "Try again" : "Try now"} />
      {message.code !== undefined && <p class="notice-code">{message.code}</p>}
    </div>
  );
}

interface ActionProps {
  readonly message: Message;
  readonly player: LivePlayer;
  readonly retryWord: string;
}

function Action({ message, player, retryWord }: ActionProps): JSX.Element | null {
  if (message.action === undefined) return null;
  return message.action === "play" ? (
    <button type="button" class="button" onClick={() => player.play()}>
      Play
    </button>
  ) : (
    <button type="button" class="button" onClick={() => player.retryNow()}>
      {retryWord}
    </button>
  );
}

/** Outside the live region: a screen reader need not hear every second. */
function Countdown({ dueMs }: { readonly dueMs: number | undefined }): JSX.Element {
  const nowMs = useSignal(performance.now());
  useEffect(() => {
    const timer = setInterval(() => {
      nowMs.value = performance.now();
    }, 500);
    return () => clearInterval(timer);
  }, [nowMs]);
  const seconds = dueMs === undefined ? 0 : Math.max(0, Math.ceil((dueMs - nowMs.value) / 1_000));
  return <p class="countdown">{seconds > 0 ? `Next attempt in ${seconds} s` : "Trying…"}</p>;
}
