/** Other RTMP servers to relay to and from, each in the foreground on a port of its own. */

import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { resolve } from "node:path";
import { type RunningCommand, startCommand } from "./ffmpeg.ts";
import { freePort } from "./free-port.ts";
import { waitFor } from "./wait.ts";

export interface PeerServer extends AsyncDisposable {
  url(stream: string): string;
  readonly output: () => string;
}

/** Debian's nginx with libnginx-mod-rtmp: the applications `live`, `push` (to us) and `pull` (from us). */
export async function startNginx(folder: string, ourRtmpPort: number): Promise<PeerServer> {
  const port = await freePort();
  const home = `${folder}/nginx`;
  mkdirSync(home);
  const configuration = `
    load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
    daemon off; master_process off; pid ${home}/pid; error_log stderr notice;
    events { worker_connections 256; }
    rtmp {
      server {
        listen 127.0.0.1:${port};
        application live { live on; }
        application push { live on; push rtmp://127.0.0.1:${ourRtmpPort}/live/; }
        application pull { live on; pull rtmp://127.0.0.1:${ourRtmpPort}/live/; }
      }
    }`;
  writeFileSync(`${home}/nginx.conf`, configuration);
  const command = startCommand("nginx", ["-e", "stderr", "-p", home, "-c", `${home}/nginx.conf`]);
  return started("nginx", command, port);
}

/** A relay of node-media-server to `url`. */
export interface RelayTask {
  readonly mode: "push";
  readonly url: string;
  readonly streamPath: string;
}

export async function startNodeMediaServer(folder: string, tasks: readonly RelayTask[]): Promise<PeerServer> {
  const port = await freePort();
  const program = resolve(import.meta.dirname, "node-media-server-program.ts");
  const args = [program, String(port), folder, ...tasks.map((task) => JSON.stringify(task))];
  const command = startCommand(process.execPath, args);
  await waitFor("node-media-server", () => command.output().includes("ready"));
  return started("node-media-server", command, port);
}

async function started(name: string, command: RunningCommand, port: number): Promise<PeerServer> {
  try {
    await waitFor(`${name} to listen`, () => isListening(port));
  } catch (error) {
    await command.stop();
    throw new Error(`${name} did not start: ${command.output()}`, { cause: error });
  }
  return {
    url: (stream) => `rtmp://127.0.0.1:${port}/${stream}`,
    output: command.output,
    [Symbol.asyncDispose]: () => command[Symbol.asyncDispose](),
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.on("error", () => done(false));
  });
}
