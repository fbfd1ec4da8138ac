/**
 * node-media-server (npm) as a program: `<rtmp port> <folder>`, then one relay task per further argument, as JSON
 * (`{"mode": "push", "url": "rtmp://…", "streamPath": "/live/x"}`). A push begins when its stream is published: that server
 * gives one up whose stream is not there. Says "ready" on standard error when it listens, and
 * "published /live/x" when a stream begins.
 */

import { createRequire } from "node:module";
import { join } from "node:path";

interface NodeMediaServer {
  readonly relayServer: { addTask(task: RelayTask): void };
  on(event: "postPublish", listener: (session: { readonly streamPath: string }) => void): void;
  run(): Promise<void>;
}

interface RelayTask {
  readonly mode: "push";
  readonly streamPath: string;
}

const [port, folder, ...tasks] = process.argv.slice(2) as [string, string, ...string[]];
const NodeMediaServer = createRequire(import.meta.url)("node-media-server") as new (config: object) => NodeMediaServer;
const server = new NodeMediaServer({
  bind: "127.0.0.1",
  notify: { url: "" },
  store: { path: join(folder, `store-${port}`) },
  auth: { play: false, publish: false, secret: "", jwt: { users: [] } },
  rtmp: { port: Number(port) },
  record: { auto: false, path: join(folder, `record-${port}`) },
});
server.on("postPublish", ({ streamPath }) => process.stderr.write(`published ${streamPath}\n`));
await server.run();
for (const text of tasks) {
  const task = JSON.parse(text) as RelayTask;
  server.on("postPublish", ({ streamPath }) => streamPath === task.streamPath && server.relayServer.addTask(task));
}
process.stderr.write("ready\n");
