/** The reference of latencies: a bare node:net relay that carries the same bytes in the same process. */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** How long each of `count` messages takes from one end to the other, in milliseconds. */
export async function measureRelay(count: number, bytes: number, intervalMs: number): Promise<number[]> {
  const sockets: Socket[] = [];
  const relay = createServer({ noDelay: true }, (socket) => {
    sockets.push(socket);
    if (sockets.length === 2) sockets[0]?.pipe(sockets[1] as Socket);
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  const { port } = relay.address() as AddressInfo;
  const sender = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(sender, "connect");
  const receiver = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(receiver, "connect");
  const latencies: number[] = [];
  let sent = 0;
  receiver.on("data", () => latencies.push(performance.now() - sent));
  for (let i = 0; i < count; i++) {
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
    sent = performance.now();
    sender.write(new Uint8Array(bytes));
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (const socket of [sender, receiver, ...sockets]) socket.destroy();
  relay.close();
  return latencies;
}
