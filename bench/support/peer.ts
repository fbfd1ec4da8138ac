/** Another program's server under measurement: started on its core, waited for, published to, and ended. */

import { connect } from "node:net";
import { waitFor } from "../../test/support/wait.ts";
import { onCore, startChild } from "./child.ts";
import type { MeasuredServer, Source } from "./servers.ts";

/** Where it listens, for what it speaks. */
export interface PeerPorts {
  readonly rtmpPort: number;
  readonly httpPort?: number;
  readonly rtspPort?: number;
}

export async function startPeer(
  source: Source | undefined,
  { rtmpPort, httpPort, rtspPort }: PeerPorts,
  program: string,
  args: readonly string[],
): Promise<MeasuredServer> {
  const [launcher = "", ...rest] = [...onCore("measured"), program, ...args];
  const server = startChild(launcher, rest);
  try {
    for (const port of [rtmpPort, httpPort, rtspPort]) {
      if (port !== undefined) await waitFor(`${program} to listen`, () => server.hasExited() || isListening(port));
    }
    if (server.hasExited()) throw new Error(`${program} has ended`);
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw new Error(`${program} did not start: ${server.output()}`, { cause: error });
  }
  const publisher = source?.(rtmpPort);
  return {
    pid: server.pid,
    rtmpPort,
    httpPort,
    rtspPort,
    [Symbol.asyncDispose]: async () => {
      await publisher?.[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
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
