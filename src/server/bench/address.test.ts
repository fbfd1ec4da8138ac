import { expect, test } from "vitest";
import { parseBenchAddress, publishUrl } from "./address.ts";
import { LocalAddresses } from "./local-addresses.ts";

test.each([
  ["rtmp://localhost/live/cam?token=x", { protocol: "rtmp", host: "localhost", port: 1935 }],
  [
    "http://[::1]:8000/live/cam.flv?audio=0",
    { protocol: "http-flv", host: "::1", port: 8000, path: "/live/cam.flv?audio=0" },
  ],
  ["rtsp://me:secret@a.org/live/cam?token=x", { protocol: "rtsp", host: "a.org", port: 554 }],
  ["rtsp://[::1]:8554/live/cam", { protocol: "rtsp", host: "::1", port: 8554 }],
  ["ws://a.org/live/cam.flv", { protocol: "ws-flv", host: "a.org", port: 80, authority: "a.org" }],
])("%s", (text, expected) => {
  expect(parseBenchAddress(text)).toMatchObject(expected);
});

test.each([
  "rtsps://a/b/c",
  "rtspu://a/b/c",
  "http://a/live/cam",
  "https://a/live/cam.flv",
  "http://me@a/b/c.flv",
  "nonsense",
  "rtmps://a/b/c",
  "",
])("%j is no address", (text) => {
  expect(() => parseBenchAddress(text)).toThrow(expect.objectContaining({ code: "ERR_BENCH_ADDRESS" }));
});

test("what is played over HTTP is published over RTMP under the same name", () => {
  expect(publishUrl(parseBenchAddress("http://a:8000/live/cam.flv?x=y"))).toBe("rtmp://a:1935/live/cam?x=y");
  expect(publishUrl(parseBenchAddress("rtsp://a:8554/live/cam?x=y"))).toBe("rtsp://a:8554/live/cam?x=y");
  expect(publishUrl(parseBenchAddress("rtmp://a:1940/live/cam"))).toBe("rtmp://a:1940/live/cam");
});

test("connections on loopback come from each address in its turn", () => {
  const addresses = new LocalAddresses("127.0.0.1");
  const seen = new Map<string | undefined, number>();
  for (let i = 0; i < 320; i++) {
    const address = addresses.next();
    seen.set(address, (seen.get(address) ?? 0) + 1);
  }
  expect([...seen.keys()]).toEqual(Array.from({ length: 32 }, (_, i) => `127.0.0.${i + 1}`));
  expect(new Set(seen.values())).toEqual(new Set([10]));
  expect(new LocalAddresses("192.0.2.1").next()).toBeUndefined();
});
