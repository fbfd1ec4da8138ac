import { expect, test } from "vitest";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_SHARD_BUSY } from "../../runtime/errors.ts";
import { type Link, LocalLink } from "../../runtime/shards/link.ts";
import { type TunnelCalls, type TunnelEnd, Tunnels } from "./tunnels.ts";

test("a GET is found on its own shard at once, and once only", () => {
  const tunnels = new Tunnels();
  const get = new Get();
  expect(tunnels.open("a 1", get)).toBe(true);
  expect(tunnels.open("a 1", new Get())).toBe(false);
  expect(tunnels.find("a 1")).toBe(get);
  tunnels.close("a 1");
  expect(tunnels.find("a 1")).toBeUndefined();
});

test("what a POST says reaches its GET on another shard, in order, until that has gone", async () => {
  const [here, there, third] = [new Tunnels(), new Tunnels(), new Tunnels()];
  here.addPeer(linkTo(third));
  here.addPeer(linkTo(there));
  const get = new Get();
  there.open("a 1", get);
  expect(await here.findElsewhere("b 1"), "of another address").toBeUndefined();
  const end = (await here.findElsewhere("a 1")) as TunnelEnd;
  for (const text of ["OPT", "IONS", ""]) end.handleTunnelled(new TextEncoder().encode(text));
  await settled();
  expect(get.said).toEqual(["OPT", "IONS"]);
  expect(end.isClosed).toBe(false);
  there.close("a 1");
  end.handleTunnelled(new Uint8Array(0));
  await settled();
  expect(end.isClosed).toBe(true);
});

test("a shard that is too far behind ends the tunnel, and one that does not answer has no GET", async () => {
  const [here, there] = [new Tunnels(), new Tunnels()];
  const link = linkTo(there);
  here.addPeer(link);
  there.open("a 1", new Get());
  const end = (await here.findElsewhere("a 1")) as TunnelEnd;
  link.call = () => Promise.reject(new CodedError(ERR_SHARD_BUSY, "busy"));
  end.handleTunnelled(new Uint8Array(1));
  await settled();
  expect(end.isClosed).toBe(true);
  expect(await here.findElsewhere("a 1")).toBeUndefined();
});

class Get implements TunnelEnd {
  readonly said: string[] = [];
  readonly isClosed = false;

  handleTunnelled(data: Uint8Array): void {
    this.said.push(new TextDecoder().decode(data));
  }
}

function linkTo(tunnels: Tunnels): Link<TunnelCalls> {
  return new LocalLink(tunnels.calls, (error) => {
    throw error;
  });
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
