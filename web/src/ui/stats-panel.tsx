/** What the stream is and how it arrives. Each figure's tooltip says how it is measured. */

import type { JSX } from "preact";
import type { PlayerStats } from "../player/stats.ts";

export function StatsPanel({ stats }: { readonly stats: PlayerStats }): JSX.Element {
  return (
    <dl class="stats" aria-label="Stream figures">
      <Figure
        label="Video"
        value={stats.videoCodec}
        how="The codec the stream names, with the profile and level of its parameter sets."
      />
      <Figure
        label="Audio"
        value={stats.audioCodec}
        how="The codec the stream names, with the rate and channels of its configuration."
      />
      <Figure
        label="Resolution"
        value={stats.width > 0 ? `${stats.width} × ${stats.height}` : undefined}
        how="The decoded picture's size in pixels."
      />
      <Figure
        label="Frame rate"
        value={stats.framesPerSecond && `${rounded(stats.framesPerSecond)} fps`}
        how="Video frames received, by their own timestamps, over two seconds."
      />
      <Figure
        label="Bit rate"
        value={stats.bitsPerSecond === undefined ? undefined : bitRate(stats.bitsPerSecond)}
        how="Everything received over the last second: picture, sound and packaging."
      />
      <Figure
        label="Delay"
        value={stats.delaySeconds === undefined ? undefined : `${stats.delaySeconds.toFixed(2)} s`}
        how="How far the picture is behind the newest media this browser has received. Time spent in the encoder and on the way is not in it: a player can't see that."
      />
      <Figure
        label="Dropped frames"
        value={stats.decodedFrames > 0 ? `${stats.droppedFrames} of ${stats.decodedFrames}` : undefined}
        how="Frames this browser decoded too late to show, of all it decoded since the last connection."
      />
      <Figure
        label="Transport"
        value={stats.transport === "websocket" ? "WebSocket-FLV" : "HTTP-FLV"}
        how="How the media come. The page takes HTTP by itself when WebSocket does not get through."
      />
    </dl>
  );
}

interface FigureProps {
  readonly label: string;
  readonly value: string | number | undefined;
  readonly how: string;
}

function Figure({ label, value, how }: FigureProps): JSX.Element {
  return (
    <div class="figure" title={how}>
      <dt>{label}</dt>
      <dd>{value || "–"}</dd>
    </div>
  );
}

function bitRate(bitsPerSecond: number): string {
  return bitsPerSecond >= 1_000_000
    ? `${(bitsPerSecond / 1_000_000).toFixed(2)} Mb/s`
    : `${Math.round(bitsPerSecond / 1_000)} kb/s`;
}

/** 25 and 29.97, but not 25.00. */
function rounded(rate: number): string {
  return Math.abs(rate - Math.round(rate)) < 0.02 ? String(Math.round(rate)) : rate.toFixed(2);
}
