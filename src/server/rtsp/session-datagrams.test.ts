import { beforeEach, describe, expect, it } from "vitest";
import { FakeDatagrams } from "../../../test/support/fake-datagrams.ts";
import { EgressLog } from "../../kernel/egress-log.ts";
import type { PlayHandler } from "../../runtime/play.ts";
import type { Config } from "../config/schema.ts";
import { RtspDatagrams } from "./rtsp-datagrams.ts";
import { SessionDatagrams } from "./session-datagrams.ts";

const client = "192.0.2.7";
const range = { first: 20_000, last: 20_003 };
let transport: FakeDatagrams;
let events: string[];

beforeEach(() => {
  transport = new FakeDatagrams();
  events = [];
});

describe("on ports that are shared", () => {
  it("hears its client's packets, and nobody else's", async () => {
    const session = await openSession({});
    expect(await session.setUp(0, [5_000, 5_001], 1)).toEqual([8_000, 8_001]);
    transport.at(8_000).receive(client, 5_000, 1);
    transport.at(8_001).receive(client, 5_001, 2);
    transport.at(8_000).receive(client, 5_001, 3); // another port of the client
    transport.at(8_000).receive("192.0.2.8", 5_000, 4); // another address
    expect(events).toEqual(["0 rtp 1", "0 rtcp 2"]);
  });

  it("refuses ports that another session has at this address, and lets go of what it has", async () => {
    const shared = await open({});
    const [one, other] = [sessionOf(shared), sessionOf(shared)];
    expect(await one.setUp(0, [5_000, 5_001], 1)).toBeDefined();
    expect(await other.setUp(0, [5_002, 5_001], 1)).toBeUndefined();
    expect(other.isEmpty).toBe(true);
    expect(await other.setUp(0, [5_002, 5_003], 1)).toBeDefined();
  });

  it("may not be used any more once it is closed, not even by a SETUP under way", async () => {
    const session = await openSession({});
    const late = session.setUp(0, [5_000, 5_001], 1);
    session.close();
    expect(await late).toBeUndefined();
    expect(transport.at(8_000).peers.size).toBe(0);
  });
});

describe("on a pair of ports of its own", () => {
  it("follows its client to where its first packet comes from, once", async () => {
    const session = await openSession({ range });
    await session.setUp(0, [5_000, 5_001], 1);
    const [rtp, rtcp] = [transport.at(20_000), transport.at(20_001)];
    rtp.receive("192.0.2.8", 5_000, 1); // another address
    rtp.receive(client, 61_000, 2); // behind a NAT
    rtp.receive(client, 62_000, 3); // too late
    rtp.receive(client, 5_000, 4);
    rtcp.receive(client, 5_001, 5); // where it said it would be
    rtcp.receive(client, 63_000, 6);
    rtp.receive(client, 61_000, 7);
    expect(events).toEqual(["moved", "0 rtp 2", "0 rtcp 5", "0 rtp 7"]);
    session.sendRtcp(0, Uint8Array.of(9));
    expect(rtcp.peers.get(`${client} 5001`)?.sent).toHaveLength(1);
  });

  it("plays to the place that is known when it begins", async () => {
    const session = await openSession({ range });
    await session.setUp(0, [5_000, 5_001], 1);
    const track = { trackIndex: 0, track: describedTrack(4) };
    session.play([track], log, playOptions, ignorePlay, 0);
    expect(transport.plays[0]?.where).toEqual([`4 → ${client} 5000`, `5 → ${client} 5001`]);
    transport.at(20_000).receive(client, 61_000, 1);
    session.play([track], log, playOptions, ignorePlay, 0);
    expect(transport.plays[1]?.where).toEqual([`4 → ${client} 61000`, `5 → ${client} 5001`]);
  });

  it("has ports for all tracks of its stream from the first one on, and lets go of those that it does not set up", async () => {
    const shared = await open({ range });
    const [one, other] = [sessionOf(shared), sessionOf(shared)];
    expect(await one.setUp(0, [5_000, 5_001], 2)).toEqual([20_000, 20_001]);
    expect(await other.setUp(0, [5_002, 5_003], 1)).toBeUndefined();
    other.close();
    one.begin();
    const third = sessionOf(shared);
    expect(await third.setUp(0, [5_002, 5_003], 2)).toBeUndefined();
    third.close();
    const fourth = sessionOf(shared);
    expect(await fourth.setUp(0, [5_002, 5_003], 1)).toEqual([20_002, 20_003]);
    one.close();
    fourth.close();
    expect(transport.openPorts).toEqual([]);
  });
});

it("what strangers make the system say ends nothing, and is counted", async () => {
  const shared = await open({});
  await sessionOf(shared).setUp(0, [5_000, 5_001], 1);
  transport.at(8_000).peers.get(`${client} 5000`)?.handler.handleUnreachable?.("ECONNREFUSED");
  expect(shared.unreachableCount).toBe(1);
  transport.at(8_000).receive(client, 5_000, 1);
  expect(events).toEqual(["0 rtp 1"]);
});

it("an encrypted connection gets no media in the clear", async () => {
  const shared = await open({}, true);
  expect(shared.transportsFor(false)).toEqual({ tcp: true, udp: true, multicast: true });
  expect(shared.transportsFor(true)).toEqual({ tcp: true, udp: false, multicast: false });
});

it("tells once that the system cuts no packets", async () => {
  await open({}, true);
  for (const socket of [...transport.sockets, ...transport.sockets]) socket.refuseSegmentation();
  expect(events).toEqual(["EMSGSIZE"]);
});

const log = new EgressLog({ initialBytes: 4_096, maxBytes: 4_096 });
const playOptions = { isLive: false, lagLimits: { maxJumps: 1, jumpWindowMs: 1, stallMs: 1 } } as never;
const ignorePlay: PlayHandler = { handlePlayed: () => {}, handleLag: () => {}, handleEvicted: () => {} };

function describedTrack(channel: number): never {
  return { channel, ssrc: 1, clockRate: 90_000 } as never;
}

async function open(
  udp: Partial<Config["rtsp"]["udp"]> & { readonly range?: typeof range },
  hasMulticast = false,
): Promise<RtspDatagrams> {
  const multicast = { enabled: hasMulticast, range: { base: 0xef_ff_00_00, count: 256 }, port: 8_500, ttl: 1 };
  const config = { host: "", udp: { enabled: true, port: 8_000, ports: udp.range }, multicast };
  const position = { index: 0, count: 1 };
  const shared = new RtspDatagrams(transport, config as Config["rtsp"], position, (error) => events.push(error));
  await shared.start();
  return shared;
}

function sessionOf(shared: RtspDatagrams): SessionDatagrams {
  return new SessionDatagrams(shared, client, {
    handlePacket: (trackIndex, kind, bytes) => events.push(`${trackIndex} ${kind} ${bytes.join(" ")}`),
    handleMoved: () => events.push("moved"),
  });
}

async function openSession(udp: Parameters<typeof open>[0]): Promise<SessionDatagrams> {
  return sessionOf(await open(udp));
}
