/** The server's front page: which stream? Viewers on the server's own machine also see those that are live. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Logo } from "./icons.tsx";

const refreshMs = 3_000;

export function Home(): JSX.Element {
  const name = useSignal("live/cam");
  const streams = useActiveStreams();
  const open = (event: Event): void => {
    event.preventDefault();
    const path = name.value.trim().replace(/^\/+|\/+$/g, "");
    if (path !== "") window.location.assign(`/${path}`);
  };
  return (
    <main class="home">
      <h1 class="home-title">
        <Logo /> Millrace
      </h1>
      <p>Which stream would you like to watch, or to publish?</p>
      <form class="home-form" onSubmit={open}>
        <label class="unseen" for="stream">
          The stream's name
        </label>
        <input
          id="stream"
          class="home-input"
          value={name.value}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="none"
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
        />
        <button type="submit" class="button">
          Open
        </button>
      </form>
      {streams.length > 0 && (
        <section class="card home-live" aria-labelledby="live-now">
          <h2 id="live-now">Live now</h2>
          <ul>
            {streams.map((stream) => (
              <li key={stream}>
                <a href={`/${stream}`}>{stream}</a>
              </li>
            ))}
          </ul>
        </section>
      )}
    </main>
  );
}

/** Names from `/stats`, which answers only those who may manage the server; to everybody else the list stays empty. */
function useActiveStreams(): readonly string[] {
  const streams = useSignal<readonly string[]>([]);
  useEffect(() => {
    let timer: number | undefined;
    const refresh = async (): Promise<void> => {
      const response = await fetch("/stats").catch(() => undefined);
      if (response?.ok === true) {
        const { active_streams: names } = (await response.json()) as { active_streams?: unknown };
        streams.value = Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
      }
      if (response?.status !== 403) timer = setTimeout(refresh, refreshMs);
    };
    refresh().catch(() => undefined);
    return () => clearTimeout(timer);
  }, [streams]);
  return streams.value;
}
