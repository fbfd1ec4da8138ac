/** A UDP socket that keeps all packets it gets, as texts. */

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
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
