/**
 * node-media-server (npm) as a program: `<rtmp port> <folder>`, then one relay task per further argument, as JSON
 * (`{"mode": "pull", "url": "rtmp://…", "streamPath": "/live/x"}`). Says "ready" on standard error when it listens.
 */

import { createRequire } from "node:module";
import { join } from "node:path";

interface NodeMediaServer {
  readonly rtmpServer: { readonly tcpServer?: { on(event: "listening", listener: () => void): void } };
  readonly relayServer: { addTask(task: object): void };
  run(): Promise<void>;
}

const [port, folder, ...tasks] = process.argv.slice(2) as [string, string, ...string[]];
const NodeMediaServer = createRequire(import.meta.url)("node-media-server") as new (config: object) => NodeMediaServer;
const server = new NodeMediaServer({
  bind: "127.0.0.1",
  notify: { url: "" },
  store: { path: join(folder, "nms-store") },
  auth: { play: false, publish: false, secret: "", jwt: { users: [] } },
  rtmp: { port: Number(port) },
  record: { auto: false, path: join(folder, "nms-record") },
});
await server.run();
for (const task of tasks) server.relayServer.addTask(JSON.parse(task) as object);
process.stderr.write("ready\n");
