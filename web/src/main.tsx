/** The player page's entry: reads the address, starts the player, shows it. */

import { render } from "preact";
import { pageOptionsOf, streamAddressOf } from "./address.ts";
import { LivePlayer } from "./player/live-player.ts";
import { exposeForTests } from "./test-hook.ts";
import { Page } from "./ui/page.tsx";

const rtmpPort = Number(document.querySelector<HTMLMetaElement>('meta[name="millrace-rtmp-port"]')?.content) || 1935;
const address = streamAddressOf(window.location, rtmpPort);
const options = pageOptionsOf(window.location.search);
const player = new LivePlayer(address, options);
const root = document.getElementById("page");

document.title = `${address.streamName} · Millrace`;
exposeForTests(player);
if (root !== null) render(<Page address={address} options={options} player={player} />, root);
