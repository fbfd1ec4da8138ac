/** An RTSP client on a socket: the protocol's client session over TCP, driven by node:net. */

import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { RtspClientEvent, RtspClientOptions } from "../../src/protocols/rtsp/client-events.ts";
import { RtspClientSession } from "../../src/protocols/rtsp/client-session.ts";
import { parseSessionDescription } from "../../src/protocols/sdp/session-description.ts";

export interface RtspClientDriver {
  sendRtp(trackIndex: number, packet: Uint8Array): void;
  close(): void;
  /** When the last request was sent, which for a player is PLAY. */
  readonly requestedAtMs: number;
}

/** Connects and resolves when RECORD or PLAY was accepted. `onRtp` is given each packet, lent for the call. */
export async function openRtspClient(
  url: string,
  publish?: RtspClientOptions["publish"],
  onRtp: (packet: Uint8Array) => void = () => {},
): Promise<RtspClientDriver> {
  const { hostname, port } = new URL(url);
  const publishing = publish === undefined ? {} : { publish };
  const session = new RtspClientSession({ crypto, url, transport: "tcp", ...publishing }, performance.now());
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const ready = Promise.withResolvers<void>();
  let requestedAtMs = 0;
  const handle = (event: RtspClientEvent): void => {
    if (event.type === "ready") ready.resolve();
    if (event.type === "closed") ready.reject(event.error ?? new Error("the server closed the session"));
    if (event.type === "media" && event.kind === "rtp") onRtp(event.data);
    if (event.type !== "description") return;
    const { control, media } = parseSessionDescription(event.sdp);
    session.setUp(media, control, performance.now());
  };
  const drain = (): void => {
    for (let event = session.pollEvent(); event !== undefined; event = session.pollEvent()) handle(event);
    const output = session.pollOutput();
    if (output === undefined) return;
    if (!session.isReady) requestedAtMs = performance.now();
    socket.write(output);
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
    sendRtp: (trackIndex, packet) => {
      session.sendInterleaved(trackIndex, "rtp", packet);
      drain();
    },
    close: () => {
      session.close();
      drain();
      socket.end();
    },
    get requestedAtMs() {
      return requestedAtMs;
    },
  };
}

const crypto = {
  randomBytes: (length: number): Uint8Array => randomBytes(length),
  md5: (data: Uint8Array): Uint8Array => createHash("md5").update(data).digest(),
  sha256: (data: Uint8Array): Uint8Array => createHash("sha256").update(data).digest(),
};
