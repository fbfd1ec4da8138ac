/** A peer that keeps all bytes it gets, as text. */

import { once } from "node:events";
import { createConnection, type Socket } from "node:net";

export interface ByteClient {
  readonly socket: Socket;
  readonly text: string;
  readonly length: number;
  /** Resolves when the connection is closed, however. */
  readonly ended: Promise<void>;
}

export async function connectTo(port: number): Promise<ByteClient> {
  const socket = createConnection({ port, host: "127.0.0.1" });
  const chunks: string[] = [];
  let length = 0;
  const closed = Promise.withResolvers<void>();
  socket.on("data", (bytes: Buffer) => {
    chunks.push(bytes.toString("latin1"));
    length += bytes.length;
  });
  socket.on("close", () => closed.resolve());
  await once(socket, "connect");
  socket.on("error", () => {}); // a reset is one of the ways to be closed
  return {
    socket,
    get text() {
      if (chunks.length > 1) chunks.push(chunks.splice(0).join(""));
      return chunks[0] ?? "";
    },
    get length() {
      return length;
    },
    ended: closed.promise,
  };
}
