/** The page: what is playing on top, the stage, and below it figures or the way to publish. */

import type { JSX } from "preact";
import type { PageOptions, StreamAddress } from "../address.ts";
import type { LivePlayer } from "../player/live-player.ts";
import { leftOutLine, statusLine } from "../player/messages.ts";
import type { Phase } from "../player/situation.ts";
import { Logo } from "./icons.tsx";
import { PlayElsewhere } from "./play-elsewhere.tsx";
import { PublishHelp } from "./publish-help.tsx";
import { Stage } from "./stage.tsx";
import { StatsPanel } from "./stats-panel.tsx";

interface PageProps {
  readonly address: StreamAddress;
  readonly options: PageOptions;
  readonly player: LivePlayer;
}

export function Page({ address, options, player }: PageProps): JSX.Element {
  if (!options.controls) return <Stage address={address} player={player} isEmbedded />;
  const phase = player.phase.value;
  const situation = player.situation.value;
  const leftOut = leftOutLine(player.tracks.value);
  const isLive = phase === "playing" || phase === "stalled" || phase === "paused";
  return (
    <div class="page">
      <header class="top">
        <a class="brand" href="/" aria-label="Millrace: all streams">
          <Logo />
          <span>Millrace</span>
        </a>
        <h1 class="stream-name">{address.streamName}</h1>
        <StatePill phase={phase} />
      </header>
      <main>
        <Stage address={address} player={player} isEmbedded={false} />
        {/* A notice on the stage says the same to the eye; a screen reader hears it from here. */}
        <p class={situation === undefined ? "status" : "unseen"} role="status" aria-live="polite">
          {statusLine(phase, situation, player.transport.value, address)}
        </p>
        {leftOut !== undefined && isLive && <p class="left-out">{leftOut}</p>}
        {situation?.kind === "absent" && <PublishHelp address={address} />}
        {(isLive || phase === "retrying") && <StatsPanel stats={player.stats.value} />}
        <PlayElsewhere address={address} />
      </main>
    </div>
  );
}

const pills: Record<Phase, { word: string; look: string }> = {
  connecting: { word: "Connecting", look: "busy" },
  playing: { word: "Live", look: "live" },
  stalled: { word: "Buffering", look: "busy" },
  paused: { word: "Paused", look: "still" },
  waiting: { word: "Waiting", look: "busy" },
  retrying: { word: "Reconnecting", look: "busy" },
  blocked: { word: "Ready", look: "still" },
  failed: { word: "Stopped", look: "bad" },
};

function StatePill({ phase }: { readonly phase: Phase }): JSX.Element {
  const { word, look } = pills[phase];
  return (
    <span class={`pill pill-${look}`} aria-hidden="true">
      <span class="pill-dot" />
      {word}
    </span>
  );
}
