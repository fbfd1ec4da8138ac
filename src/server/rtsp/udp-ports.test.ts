import { beforeEach, describe, expect, it } from "vitest";
import { FakeDatagrams } from "../../../test/support/fake-datagrams.ts";
import { ERR_LISTEN } from "../../runtime/errors.ts";
import { UdpPorts, type UdpPortsOptions } from "./udp-ports.ts";

let transport: FakeDatagrams;

beforeEach(() => {
  transport = new FakeDatagrams();
});

describe("a pair that all sessions share", () => {
  it("is another one for each shard", async () => {
    const ports = await Promise.all([0, 1, 2].map((index) => open({ position: { index, count: 3 } })));
    expect(ports.map(({ sharedPorts }) => sharedPorts)).toEqual([
      [8000, 8001],
      [8002, 8003],
      [8004, 8005],
    ]);
  });

  it("is everybody's, and giving it back closes nothing", async () => {
    const ports = await open({});
    const [one, other] = (await ports.take(2)) ?? [];
    expect(one).toBe(other);
    expect(one?.isOwn).toBe(false);
    one?.release();
    expect(transport.openPorts).toEqual([8000, 8001]);
    expect(await ports.take(1_000)).toHaveLength(1_000);
    ports.stop();
    expect(transport.openPorts).toEqual([]);
  });

  it("that can't be had says which port, and keeps no other", async () => {
    transport.taken.add(8001);
    await expect(open({})).rejects.toMatchObject({ code: ERR_LISTEN, message: expect.stringContaining("port 8001") });
    expect(transport.openPorts).toEqual([]);
  });

  it("on free ports begins with an even one", async () => {
    transport.taken.add(40_003); // the free port is 40,001 at first
    const ports = await open({ port: 0 });
    expect(ports.sharedPorts).toEqual([40_004, 40_005]);
    expect(transport.openPorts).toEqual([40_004, 40_005]);
  });
});

describe("a range of ports", () => {
  it("has pairs that begin with an even port, divided among the shards", async () => {
    const shards = await Promise.all(
      [0, 1].map((index) => open({ range: { first: 20_001, last: 20_010 }, position: { index, count: 2 } })),
    );
    const taken = await Promise.all(shards.flatMap((ports) => [ports.take(2), ports.take(1)]));
    expect(taken.map((pairs) => pairs?.map((pair) => pair.ports))).toEqual([
      [
        [20_002, 20_003],
        [20_006, 20_007],
      ],
      undefined,
      [
        [20_004, 20_005],
        [20_008, 20_009],
      ],
      undefined,
    ]);
  });

  it("gives a pair again late, and counts on", async () => {
    const ports = await open({ range: { first: 20_000, last: 20_003 } });
    const [first] = (await ports.take(1)) ?? [];
    transport.at(20_000).receive("10.0.0.1", 5_000);
    first?.release();
    first?.release();
    expect(transport.openPorts).toEqual([]);
    expect((await ports.take(2))?.map((pair) => pair.ports)).toEqual([
      [20_002, 20_003],
      [20_000, 20_001],
    ]);
    expect(await ports.take(1)).toBeUndefined();
    expect(ports.counters).toMatchObject({ receivedPackets: 1, strangerPackets: 1 });
  });

  it("passes over what another program has, and gives all that is wanted or nothing", async () => {
    transport.taken.add(20_001);
    const ports = await open({ range: { first: 20_000, last: 20_003 } });
    expect(await ports.take(2)).toBeUndefined();
    expect(transport.openPorts).toEqual([]);
    expect((await ports.take(1))?.map((pair) => pair.ports)).toEqual([[20_002, 20_003]]);
    expect(await ports.take(1)).toBeUndefined();
    expect(transport.openPorts).toEqual([20_002, 20_003]);
  });
});

async function open(options: Partial<UdpPortsOptions>): Promise<UdpPorts> {
  const position = { index: 0, count: 1 };
  const ports = new UdpPorts({ transport, port: 8000, range: undefined, position, ...options });
  await ports.start("");
  return ports;
}
