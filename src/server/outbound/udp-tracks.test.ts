import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { waitFor } from "../../../test/support/wait.ts";
import type { ReadyTrack } from "../../protocols/rtsp/client-events.ts";
import { PortableTransport } from "../../runtime/portable-transport.ts";
import { UdpTracks } from "./udp-tracks.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const packet = (sequence: number): Uint8Array => Uint8Array.of(0x80, 96, 0, sequence, ...new Array<number>(9).fill(0));

interface Bench {
  readonly tracks: UdpTracks;
  /** Kind and sequence number of each packet that counted. */
  readonly seen: string[];
  begin(serverPorts: readonly [number, number] | undefined, source?: string): void;
}

async function open(): Promise<Bench> {
  const transport = new PortableTransport();
  cleanups.push(() => transport.close());
  const seen: string[] = [];
  const tracks = await UdpTracks.open({
    ...{ transport, trackCount: 1, address: "127.0.0.1" },
    onPacket: (trackIndex, kind, bytes) => seen.push(`${trackIndex} ${kind} ${bytes[3]}`),
  });
  cleanups.push(() => tracks.close());
  return {
    tracks,
    seen,
    begin: (serverPorts, source) => {
      const clientPorts = tracks.ports[0]!;
      const track: ReadyTrack = {
        transport: { kind: "udp", clientPorts, serverPorts, source },
        ...{ ssrc: undefined, sequenceNumber: undefined, rtpTime: undefined },
      };
      tracks.begin([track], "127.0.0.1");
    },
  };
}

/** A socket of the camera, or of somebody else. */
async function sender(address = "127.0.0.1"): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, address);
  await once(socket, "listening");
  cleanups.push(() => socket.close());
  return socket;
}

describe("the packets of a source over UDP", () => {
  test("come on an even port and the odd one behind it", async () => {
    const { tracks } = await open();
    const [rtp, rtcp] = tracks.ports[0]!;
    expect([rtp % 2, rtcp]).toEqual([0, rtp + 1]);
  });

  test("count when they come from the ports that the server named, also before it has said so", async () => {
    const { tracks, seen, begin } = await open();
    const [camera, other, elsewhere] = [await sender(), await sender(), await sender("127.0.0.2")];
    const [rtp] = tracks.ports[0]!;
    camera.send(packet(1), rtp, "127.0.0.1");
    other.send(packet(2), rtp, "127.0.0.1");
    await waitFor("both to have come", () => tracks.receivedBytes >= 26);
    begin([camera.address().port, camera.address().port + 1]);
    expect(seen).toEqual(["0 rtp 1"]);
    other.send(packet(3), rtp, "127.0.0.1");
    elsewhere.send(packet(4), rtp, "127.0.0.1");
    camera.send(packet(5), rtp, "127.0.0.1");
    await waitFor("the camera's", () => seen.includes("0 rtp 5"));
    expect(seen).toEqual(["0 rtp 1", "0 rtp 5"]);
    expect(tracks.packetCount).toBe(2);
  });

  test("come from the first port that sends when the server named none", async () => {
    const { tracks, seen, begin } = await open();
    const [camera, other, elsewhere] = [await sender(), await sender(), await sender("127.0.0.2")];
    const [rtp] = tracks.ports[0]!;
    begin(undefined);
    elsewhere.send(packet(1), rtp, "127.0.0.1");
    camera.send(Uint8Array.of(1, 2, 3), rtp, "127.0.0.1");
    camera.send(packet(2), rtp, "127.0.0.1");
    await waitFor("the camera's", () => seen.length === 1);
    other.send(packet(3), rtp, "127.0.0.1");
    camera.send(packet(4), rtp, "127.0.0.1");
    await waitFor("the camera's second", () => seen.length === 2);
    expect(seen).toEqual(["0 rtp 2", "0 rtp 4"]);
  });

  test("may come from another address that the server names", async () => {
    const { tracks, seen, begin } = await open();
    const [camera, media] = [await sender(), await sender("127.0.0.3")];
    const [rtp] = tracks.ports[0]!;
    begin([media.address().port, media.address().port + 1], "127.0.0.3");
    camera.send(packet(1), rtp, "127.0.0.1");
    media.send(packet(2), rtp, "127.0.0.1");
    await waitFor("the media", () => seen.length === 1);
    expect(seen).toEqual(["0 rtp 2"]);
  });

  test("find a way through a NAT, which a packet to each port opens", async () => {
    const { tracks, begin } = await open();
    const [rtp, rtcp] = [await sender(), await sender()];
    const arrived = Promise.all([once(rtp, "message"), once(rtcp, "message")]);
    begin([rtp.address().port, rtcp.address().port]);
    tracks.openWays();
    const [[first, from], [second]] = (await arrived) as [[Uint8Array, { port: number }], [Uint8Array]];
    expect([first.length, from.port]).toEqual([12, tracks.ports[0]![0]]);
    expect(second[1]).toBe(201);
  });
});
