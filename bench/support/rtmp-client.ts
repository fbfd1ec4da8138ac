/** An RTMP client on a socket: the protocol's client session, driven by node:net. */

import { createHmac, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { RtmpClientEvent } from "../../src/protocols/rtmp/client-events.ts";
import { RtmpClientSession } from "../../src/protocols/rtmp/client-session.ts";

export interface RtmpClientDriver {
  sendMedia(typeId: number, timestamp: number, payload: Uint8Array): void;
  close(): void;
}

/** Connects and resolves when the publish is accepted or the play has started. */
export async function openRtmpClient(
  url: string,
  role: "publish" | "play",
  onEvent: (event: RtmpClientEvent) => void = () => {},
): Promise<RtmpClientDriver> {
  const { hostname, port } = new URL(url);
  const session = new RtmpClientSession({ crypto, url, role, chunkSize: 60_000 }, performance.now());
  const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const ready = Promise.withResolvers<void>();
  const drain = (): void => {
    for (let event = session.pollEvent(); event !== undefined; event = session.pollEvent()) {
      if (event.type === "ready") ready.resolve();
      if (event.type === "closed") ready.reject(event.error ?? new Error("the server closed the session"));
      onEvent(event);
    }
    const output = session.pollOutput();
    if (output !== undefined) socket.write(output);
  };
  socket.on("connect", drain);
  socket.on("data", (bytes: Uint8Array) => {
    session.handle(bytes, performance.now());
    drain();
  });
  socket.on("error", (error) => ready.reject(error));
  socket.on("close", () => ready.reject(new Error("the connection was closed")));
  await ready.promise;
  return {
    sendMedia: (typeId, timestamp, payload) => {
      session.sendMedia(typeId, timestamp, payload);
      drain();
    },
    close: () => {
      session.close();
      drain();
      socket.end();
    },
  };
}

const crypto = {
  hmacSha256: (key: Uint8Array, data: Uint8Array): Uint8Array => createHmac("sha256", key).update(data).digest(),
  randomBytes: (length: number): Uint8Array => randomBytes(length),
};
