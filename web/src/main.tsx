/** The page's entry: reads the address, starts the player, shows it. */

import { render } from "preact";
import { pageOptionsOf, streamAddressOf } from "./address.ts";
import { LivePlayer } from "./player/live-player.ts";
import { exposeForTests } from "./test-hook.ts";
import { Home } from "./ui/home.tsx";
import { Page } from "./ui/page.tsx";

const root = document.getElementById("page");
if (root !== null) {
  if (window.location.pathname === "/") render(<Home />, root);
  else showStream(root);
}

function showStream(element: HTMLElement): void {
  const rtmpPort = document.querySelector<HTMLMetaElement>('meta[name="millrace-rtmp-port"]')?.content;
  const address = streamAddressOf(window.location, Number(rtmpPort) || 1935);
  const options = pageOptionsOf(window.location.search);
  const player = new LivePlayer(address, options);
  document.title = `${address.streamName} · Millrace`;
  exposeForTests(player);
  render(<Page address={address} options={options} player={player} />, element);
}
