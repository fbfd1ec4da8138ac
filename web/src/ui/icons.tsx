/** The page's pictograms: 24 units square, in the text's colour, hidden from screen readers (their buttons have names). */

import type { JSX } from "preact";

function icon(path: string): () => JSX.Element {
  return () => (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={path} />
    </svg>
  );
}

export const PlayIcon: () => JSX.Element = icon(
  "M8 5.1v13.8c0 .8.9 1.3 1.5.8l10.4-6.9c.6-.4.6-1.2 0-1.6L9.5 4.3C8.9 3.9 8 4.3 8 5.1z",
);
export const PauseIcon: () => JSX.Element = icon("M7 5h3.5v14H7zM13.5 5H17v14h-3.5z");
const speaker = "M4 9.5v5h3.5L12 19V5L7.5 9.5z";
export const SoundIcon: () => JSX.Element = icon(
  `${speaker}M14.5 8.2v7.6a4.3 4.3 0 0 0 0-7.6zM14.5 4.2v2a6.2 6.2 0 0 1 0 11.6v2a8.2 8.2 0 0 0 0-15.6z`,
);
export const SoundOffIcon: () => JSX.Element = icon(
  `${speaker}M20.6 9.8l-1.4-1.4-2.2 2.2-2.2-2.2-1.4 1.4 2.2 2.2-2.2 2.2 1.4 1.4 2.2-2.2 2.2 2.2 1.4-1.4-2.2-2.2z`,
);
export const FullScreenIcon: () => JSX.Element = icon(
  "M4 9V4h5v2H6v3zM15 4h5v5h-2V6h-3zM18 15h2v5h-5v-2h3zM6 15v3h3v2H4v-5z",
);
export const CopyIcon: () => JSX.Element = icon(
  "M9 3h10a2 2 0 0 1 2 2v10h-2V5H9zM5 7h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2zm0 2v10h10V9z",
);
export const CheckIcon: () => JSX.Element = icon("M9.5 16.2 5.3 12l-1.4 1.4 5.6 5.6L20.5 8l-1.4-1.4z");

/** A mill wheel's paddles over the race. */
export function Logo(): JSX.Element {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <circle cx="16" cy="13" r="8" fill="none" stroke="currentColor" stroke-width="2.5" />
      <path
        d="M16 2v22M5 13h22M8.2 5.2l15.6 15.6M23.8 5.2 8.2 20.8"
        fill="none"
        stroke="currentColor"
        stroke-width="2"
        stroke-linecap="round"
      />
      <path
        class="logo-water"
        d="M2 27.5c2.3 0 2.3 2 4.7 2s2.3-2 4.6-2 2.4 2 4.7 2 2.3-2 4.7-2 2.3 2 4.6 2 2.4-2 4.7-2"
        fill="none"
        stroke-width="2.5"
        stroke-linecap="round"
      />
    </svg>
  );
}
