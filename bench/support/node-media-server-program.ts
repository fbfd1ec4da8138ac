/** node-media-server (npm) as a program: `<rtmp port> <http port> <folder>`. Says "ready" on standard error when it listens. */

import { createRequire } from "node:module";
import { join } from "node:path";

const [rtmpPort, httpPort, folder] = process.argv.slice(2) as [string, string, string];
const NodeMediaServer = createRequire(import.meta.url)("node-media-server") as new (
  config: object,
) => { run(): Promise<void> };
const server = new NodeMediaServer({
  bind: "127.0.0.1",
  notify: { url: "" },
  store: { path: join(folder, `store-${rtmpPort}`) },
  auth: { play: false, publish: false, secret: "", jwt: { users: [] } },
  rtmp: { port: Number(rtmpPort) },
  http: { port: Number(httpPort) },
  record: { auto: false, path: join(folder, `record-${rtmpPort}`) },
});
await server.run();
process.stderr.write("ready\n");
