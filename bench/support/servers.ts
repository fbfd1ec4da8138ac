/** The servers under measurement, each with one publisher: ours, and the peers that are installed. */

import { access, mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { freePort } from "../../test/support/free-port.ts";
import { startServer, type TestServer } from "../../test/support/server.ts";
import { waitFor } from "../../test/support/wait.ts";
import { type Child, endWithUs, onCore } from "./child.ts";
import { type LoadPrograms, publishForever, publishMarked } from "./load.ts";
import { startPeer } from "./peer.ts";

export interface MeasuredServer extends AsyncDisposable {
  readonly pid: number;
  readonly rtmpPort: number;
  /** Undefined where it has no HTTP-FLV. */
  readonly httpPort: number | undefined;
  /** Undefined where it has no RTSP. */
  readonly rtspPort: number | undefined;
}

/** Where players of a protocol connect; undefined where the server does not speak it. */
export function portOf(server: MeasuredServer, protocol: PlayedProtocol): number | undefined {
  return { rtmp: server.rtmpPort, flv: server.httpPort, rtsp: server.rtspPort }[protocol];
}

export type PlayedProtocol = "rtmp" | "flv" | "rtsp";

/** The name that the publisher gave to the stream, everywhere. */
export const measuredStream = "live/bench";

/** Starts the publisher of {@link measuredStream}, when the server listens on its RTMP port. */
export type Source = (rtmpPort: number) => Child;

/** ffmpeg, as people use it. */
export function fileSource(file: string): Source {
  return (port) => publishForever(file, `rtmp://127.0.0.1:${port}/${measuredStream}`);
}

/** Its pictures say when they were sent. */
export function markedSource(programs: LoadPrograms, file: string): Source {
  return (port) => publishMarked(programs, file, port, measuredStream);
}

export interface OurServer extends MeasuredServer {
  readonly httpPort: number;
  readonly rtspPort: number;
  readonly server: TestServer;
}

/** Ours, with one publisher or none. */
export async function startOurs(
  source: Source | undefined,
  set: readonly string[],
  nodeOptions: readonly string[] = [],
): Promise<OurServer> {
  // One thread, like the references, unless the benchmark says otherwise.
  const shards = set.some((setting) => setting.startsWith("server.shards=")) ? [] : ["server.shards=1"];
  const settings = ["logging.level=info", ...unbounded, ...shards, ...set];
  const server = await startServer({ launcher: onCore("measured"), nodeOptions, set: settings });
  const stopped = Promise.withResolvers<void>();
  endWithUs(server.pid, stopped.promise);
  const stop = async (): Promise<void> => {
    await server.stop();
    stopped.resolve();
  };
  const publisher = source?.(server.rtmpPort);
  try {
    await waitFor("the publisher", async () => {
      return publisher === undefined || (await server.stats()).active_streams.length === 1;
    });
  } catch (error) {
    await stop();
    throw new Error(`nobody published: ${publisher?.output()}`, { cause: error });
  }
  return {
    pid: server.pid,
    rtmpPort: server.rtmpPort,
    httpPort: server.httpPort,
    rtspPort: server.rtspPort,
    server,
    [Symbol.asyncDispose]: async () => {
      await publisher?.[Symbol.asyncDispose]();
      await stop();
    },
  };
}

/** Debian's nginx with libnginx-mod-rtmp, one process; undefined where it is not installed. */
export async function startNginx(source: Source | undefined, folder: string): Promise<MeasuredServer | undefined> {
  if (!(await exists(nginxModule))) return undefined;
  const port = await freePort();
  const home = `${folder}/nginx`;
  await mkdir(home, { recursive: true });
  const configuration = `
    load_module ${nginxModule};
    daemon off; master_process off; pid ${home}/pid; error_log stderr warn;
    events { worker_connections 8192; }
    rtmp {
      access_log off;
      server {
        listen 127.0.0.1:${port};
        chunk_size 60000;
        application live { live on; }
      }
    }`;
  await writeFile(`${home}/nginx.conf`, configuration);
  return startPeer(source, { rtmpPort: port }, "nginx", ["-e", "stderr", "-p", home, "-c", `${home}/nginx.conf`]);
}

/** undefined where it is not installed. */
export async function startNodeMediaServer(
  source: Source | undefined,
  folder: string,
): Promise<MeasuredServer | undefined> {
  try {
    createRequire(import.meta.url).resolve("node-media-server");
  } catch {
    return undefined;
  }
  const [rtmpPort, httpPort] = [await freePort(), await freePort()];
  const program = resolve(import.meta.dirname, "node-media-server-program.ts");
  const args = [program, String(rtmpPort), String(httpPort), folder];
  return startPeer(source, { rtmpPort, httpPort }, process.execPath, args);
}

/** SRS as its binary is named by the environment, with merged writes of 350 ms; undefined where none is named. */
export async function startSrs(source: Source | undefined, folder: string): Promise<MeasuredServer | undefined> {
  const binary = process.env["SRS"];
  if (binary === undefined) return undefined;
  const [rtmpPort, httpPort] = [await freePort(), await freePort()];
  const home = `${folder}/srs`;
  await mkdir(home, { recursive: true });
  const configuration = `
    listen ${rtmpPort}; max_connections 8192; daemon off; pid ${home}/pid;
    srs_log_tank console; srs_log_level error;
    http_server { enabled on; listen ${httpPort}; dir ${home}; }
    vhost __defaultVhost__ {
      tcp_nodelay off;
      play { mw_latency 350; }
      http_remux { enabled on; mount [vhost]/[app]/[stream].flv; }
    }
  `;
  await writeFile(`${home}/srs.conf`, configuration);
  return startPeer(source, { rtmpPort, httpPort }, resolve(binary), ["-c", `${home}/srs.conf`]);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

const nginxModule = "/usr/lib/nginx/modules/ngx_rtmp_module.so";
/** Limits of a public server that a benchmark on loopback is not about; a load generator answers no pings. */
const unbounded: readonly string[] = [
  "rtmp.max_connections=100000",
  "rtsp.max_connections=100000",
  "http.max_connections=100000",
  "rtmp.ping_interval_seconds=3600",
  "rtmp.ping_timeout_seconds=3600",
  "streaming.max_publishers=100000",
  "streaming.max_streams=100000",
];
