import { beforeEach, describe, expect, it } from "vitest";
import { FakeDatagrams } from "../../../test/support/fake-datagrams.ts";
import type { RtspTrack } from "../../bridges/rtsp-egress.ts";
import { EgressLog } from "../../kernel/egress-log.ts";
import { parseRtcp } from "../../protocols/rtcp/compound.ts";
import type { PlayHandler, PlayOptions } from "../../runtime/play.ts";
import { type MulticastOptions, MulticastPlays } from "./multicast-plays.ts";

const tracks = [0, 2].map((channel) => ({ channel, ssrc: 7 + channel })) as unknown as readonly RtspTrack[];
const log = new EgressLog({ initialBytes: 4_096, maxBytes: 4_096 });
const options = { isLive: false } as PlayOptions;
let transport: FakeDatagrams;

beforeEach(() => {
  transport = new FakeDatagrams();
});

describe("groups", () => {
  it("are one for each track, each with ports of its own, and the same for all players of a stream", async () => {
    const plays = await open({});
    const [one, other] = [plays.join("live/cam", tracks), plays.join("live/cam", tracks)];
    expect([0, 1, 2].map((index) => one?.groupOf(index))).toEqual([
      { address: "239.255.0.0", ports: [8_500, 8_501], ttl: 3 },
      { address: "239.255.0.1", ports: [8_502, 8_503], ttl: 3 },
      undefined,
    ]);
    expect(other?.groupOf(1)).toEqual(one?.groupOf(1));
    expect(plays.join("live/other", tracks)?.groupOf(0)?.address).toBe("239.255.0.2");
  });

  it("are divided among the shards", async () => {
    const [one, other] = [
      await open({ position: { index: 0, count: 2 } }),
      await open({ position: { index: 1, count: 2 } }),
    ];
    const addresses = [one, other].flatMap((plays) =>
      [0, 1].map((at) => plays.join("x", tracks)?.groupOf(at)?.address),
    );
    expect(addresses).toEqual(["239.255.0.0", "239.255.0.2", "239.255.0.1", "239.255.0.3"]);
  });

  it("that are used up are refused, and come back when the last player has left", async () => {
    const plays = await open({ range: { base: 0xef_ff_00_00, count: 3 } });
    const member = plays.join("live/one", tracks);
    expect(plays.join("live/two", tracks)).toBeUndefined();
    expect(plays.join("live/two", tracks.slice(1))?.groupOf(0)?.address).toBe("239.255.0.2");
    member?.stop();
    member?.stop();
    expect(plays.join("live/three", tracks)?.groupOf(0)?.address).toBe("239.255.0.0");
  });

  it("leave through the interface that was asked for, as far as they may", async () => {
    await open({});
    expect(
      transport.sockets.map(({ options: { host, multicastTtl, multicastInterface } }) => [
        host,
        multicastTtl,
        multicastInterface,
      ]),
    ).toEqual([
      ["192.0.2.1", 3, "192.0.2.1"],
      ["192.0.2.1", 3, "192.0.2.1"],
    ]);
  });
});

describe("a play", () => {
  it("is one for all who listen, and ends with the last of them", async () => {
    const plays = await open({});
    const members = [plays.join("live/cam", tracks), plays.join("live/cam", tracks)];
    for (const member of members) member?.begin(log, options, ignore);
    expect(transport.plays).toHaveLength(1);
    expect(transport.plays[0]?.where).toEqual([
      "0 → 239.255.0.0 8500",
      "1 → 239.255.0.0 8501",
      "2 → 239.255.0.1 8502",
      "3 → 239.255.0.1 8503",
    ]);
    members[0]?.pause(true);
    members[0]?.stop();
    expect(transport.plays[0]?.calls).toEqual([]);
    members[1]?.stop();
    expect(transport.plays[0]?.calls).toEqual(["stop"]);
    expect(transport.sockets.every(({ peers }) => peers.size === 0)).toBe(true);
  });

  it("that has ended says BYE once for each track, and everybody hears of it", async () => {
    const plays = await open({});
    const heard: string[] = [];
    const members = ["one", "other"].map((name) => {
      const member = plays.join("live/cam", tracks);
      return member?.begin(log, options, { ...ignore, handlePlayed: () => heard.push(name) });
    });
    for (const member of members) member?.finish();
    const [play] = transport.plays;
    expect(play?.calls).toEqual(["finish"]);
    const rtcp = [...transport.sockets[1]!.peers.values()];
    play?.handler.handlePlayed();
    expect(heard).toEqual(["one", "other"]);
    expect(rtcp.map(({ sent }) => sent.flatMap((packet) => parseRtcp(packet).map(({ kind }) => kind)))).toEqual([
      ["receiverReport", "sourceDescription", "bye"],
      ["receiverReport", "sourceDescription", "bye"],
    ]);
  });

  it("that is ending is joined by nobody: who comes then means the next publisher", async () => {
    const plays = await open({});
    const old = plays.join("live/cam", tracks);
    old?.begin(log, options, ignore);
    old?.finish();
    const next = plays.join("live/cam", tracks);
    expect(next?.groupOf(0)?.address).not.toBe(old?.groupOf(0)?.address);
    old?.stop();
    expect(plays.join("live/cam", tracks)?.groupOf(0)).toEqual(next?.groupOf(0));
  });
});

const ignore: PlayHandler = { handlePlayed: () => {}, handleLag: () => {}, handleEvicted: () => {} };

async function open(options: Partial<MulticastOptions>): Promise<MulticastPlays> {
  const plays = new MulticastPlays({
    transport,
    range: { base: 0xef_ff_00_00, count: 65_536 },
    port: 8_500,
    ttl: 3,
    position: { index: 0, count: 1 },
    ...options,
  });
  await plays.start("192.0.2.1");
  return plays;
}
