/** `window.millracePlayer`: what the player does, for tests and for people with a console. Read only. */

import type { LivePlayer } from "./player/live-player.ts";

export function exposeForTests(player: LivePlayer): void {
  const hook = {
    get state() {
      return Object.freeze({
        phase: player.phase.value,
        situation: player.situation.value?.kind,
        muted: player.muted.value,
        volume: player.volume.value,
        soundBlocked: player.soundBlocked.value,
      });
    },
    get stats() {
      return Object.freeze({ ...player.stats.value });
    },
  };
  Object.defineProperty(window, "millracePlayer", { value: Object.freeze(hook) });
}
