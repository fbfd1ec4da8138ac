/**
 * Publishes G.711 over RTSP and UDP, packet by packet, as a program of its own: in another network than the test. Arguments: the
 * address of the stream. Says "ready" when it may send; each line of its input is a number of packets to send, and answered with
 * "sent". No RTCP is sent, so that every datagram counts.
 */

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

const url = new URL(process.argv[2] ?? "");
const control = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
await once(control, "connect");
const [media, reports] = await openPair();
const { port } = media.address();
let cseq = 0;

const sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 8\r\na=control:0\r\n";
await ask(`ANNOUNCE ${url} RTSP/1.0\r\nContent-Type: application/sdp\r\nContent-Length: ${sdp.length}`, sdp);
const transport = `RTP/AVP;unicast;client_port=${port}-${port + 1};mode=record`;
const setUp = await ask(`SETUP ${url}/0 RTSP/1.0\r\nTransport: ${transport}`);
const serverPort = Number(/server_port=(\d+)/.exec(setUp)?.[1]);
await ask(`RECORD ${url} RTSP/1.0`);
process.stdout.write("ready\n");

let sequenceNumber = 65_500; // wraps on the way
let timestamp = 0xffff_f000;
for await (const line of createInterface({ input: process.stdin })) {
  for (let count = Number(line); count > 0; count--) {
    const packet = Buffer.alloc(12 + 160, 0xd5);
    packet.writeUInt16BE(0x8008, 0);
    packet.writeUInt16BE(sequenceNumber, 2);
    packet.writeUInt32BE(timestamp, 4);
    packet.writeUInt32BE(0x12345678, 8);
    media.send(packet, serverPort, url.hostname);
    sequenceNumber = (sequenceNumber + 1) % 0x1_0000;
    timestamp = (timestamp + 160) % 0x1_0000_0000;
    await delay(4);
  }
  process.stdout.write("sent\n");
}
control.destroy();
media.close();
reports.close();

/** Two ports in a row. The second one takes what the server reports: were it closed, the system would answer with ICMP. */
async function openPair(): Promise<[Socket, Socket]> {
  for (;;) {
    const first = await bind(0);
    const second = await bind((first as Socket).address().port + 1);
    if (second !== undefined) return [first as Socket, second];
    first?.close();
  }
}

async function bind(port: number): Promise<Socket | undefined> {
  const socket = createSocket("udp4");
  socket.bind(port);
  try {
    await once(socket, "listening");
    return socket;
  } catch {
    return undefined; // somebody else's
  }
}

async function ask(head: string, body = ""): Promise<string> {
  control.write(`${head}\r\nCSeq: ${++cseq}\r\n\r\n${body}`);
  let answer = "";
  while (!answer.includes("\r\n\r\n")) answer += String(((await once(control, "data")) as [Buffer])[0]);
  if (!answer.startsWith("RTSP/1.0 200")) throw new Error(answer);
  return answer;
}
