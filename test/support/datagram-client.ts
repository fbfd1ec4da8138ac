/** A UDP socket that keeps all packets it gets, as texts. */

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type {
  DatagramHandler,
  DatagramPeer,
  DatagramPeerHandler,
  DatagramSocket,
} from "../../src/runtime/datagrams.ts";
import { textOf } from "./kernel.ts";

export interface DatagramClient {
  readonly socket: Socket;
  readonly port: number;
  readonly packets: string[];
  /** To this machine. Resolves when it has left. */
  send(text: string, port: number): Promise<void>;
  sendSoon(text: string, port: number): void;
}

export async function openDatagramClient(
  type: "udp4" | "udp6" = "udp4",
  address = "127.0.0.1",
): Promise<DatagramClient> {
  // As much as there is: what tests send must not be lost.
  const socket = createSocket({ type, recvBufferSize: 4_194_304 });
  socket.bind(0, address);
  await once(socket, "listening");
  const packets: string[] = [];
  socket.on("message", (bytes) => packets.push(textOf(bytes)));
  const loopback = type === "udp4" ? "127.0.0.1" : "::1";
  return {
    socket,
    port: socket.address().port,
    packets,
    send: (text, port) =>
      new Promise((resolve, reject) => {
        socket.send(text, port, loopback, (error) => (error === null ? resolve() : reject(error)));
      }),
    sendSoon: (text, port) => socket.send(text, port, loopback),
  };
}

export const ignoringStrangers: DatagramHandler = { handleStranger: () => {} };
export const ignoringPeer: DatagramPeerHandler = { handleDatagram: () => {} };

/** A peer for a client's address, which has none yet. */
export function openPeer(
  socket: DatagramSocket,
  { port }: DatagramClient,
  handler: DatagramPeerHandler = ignoringPeer,
): DatagramPeer {
  const peer = socket.openPeer("127.0.0.1", port, handler);
  if (peer === undefined) throw new Error("there is a peer already");
  return peer;
}

/** Lets the event loop go round once. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export async function reached(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}
