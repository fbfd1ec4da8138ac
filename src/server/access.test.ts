import * as crypto from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import type { AccessRequest } from "../kernel/services.ts";
import { parseStreamName } from "../kernel/stream-name.ts";
import { ConfiguredAccess, isLoopback } from "./access.ts";
import type { Config } from "./config/schema.ts";

vi.mock("node:crypto", async (importOriginal) => {
  const original = await importOriginal<typeof crypto>();
  return { ...original, timingSafeEqual: vi.fn(original.timingSafeEqual) };
});

const defaults: Config["access"] = {
  ...{ publish: "loopback", publishToken: "", play: "anyone", playToken: "" },
  management: "loopback",
};
const here = "127.0.0.1";
const there = "192.0.2.1";

describe("who may publish and play", () => {
  test.each<[rule: "anyone" | "loopback" | "token", token: string, from: string, query: string, isAllowed: boolean]>([
    ["anyone", "", there, "", true],
    ["anyone", "s3cret", there, "token=wrong", true],
    ["loopback", "", here, "", true],
    ["loopback", "", "::1", "", true],
    ["loopback", "", there, "", false],
    ["loopback", "", there, "token=", false],
    ["loopback", "", there, "token=undefined", false],
    ["loopback", "s3cret", here, "token=wrong", true],
    ["loopback", "s3cret", there, "", false],
    ["loopback", "s3cret", there, "token=s3cret", true],
    ["loopback", "s3cret", there, "audio=0&token=s3cret", true],
    ["token", "", here, "", false],
    ["token", "", here, "token=", false],
    ["token", "s3cret", here, "", false],
    ["token", "s3cret", here, "token=s3cret", true],
    ["token", "s3cret", there, "token=s3cret", true],
    ["token", "s3cret", there, "token=%733cret", true],
    ["token", "s3cret", there, "token=s3cre", false],
    ["token", "s3cret", there, "token=s3cret0", false],
    ["token", "s3cret", there, "token=S3CRET", false],
    ["token", "s3cret", there, "Token=s3cret", false],
    ["token", "s3cret", there, "token=wrong&token=s3cret", false],
    ["token", "s3cret", there, "token[]=s3cret", false],
    ["token", "s3cret", there, "s3cret", false],
    ["token", "p+q r", there, "token=p%2Bq%20r", true],
  ])("rule %s, token %j, from %s with %j: %s", (rule, token, address, query, isAllowed) => {
    for (const action of ["publish", "play"] as const) {
      const other = action === "publish" ? "play" : "publish";
      const access = new ConfiguredAccess({
        ...defaults,
        [action]: rule,
        [`${action}Token`]: token,
        // What holds for the other action says nothing about this one.
        [other]: isAllowed ? "token" : "anyone",
        [`${other}Token`]: isAllowed ? "" : "wrong",
      });
      expect(access.authorize(request(action, address, query)).isAllowed, action).toBe(isAllowed);
    }
  });

  test("a refusal names the option, and neither the token that is right nor the one that was given", () => {
    const access = new ConfiguredAccess({ ...defaults, publishToken: "s3cret" });
    for (const query of ["", "token=guess"]) {
      const decision = access.authorize(request("publish", there, query));
      expect(decision).toMatchObject({ isAllowed: false, reason: expect.stringContaining("access.publish_token") });
      expect(JSON.stringify(decision)).not.toMatch(/s3cret|guess/);
    }
  });

  test("tokens are compared in constant time, whatever their length", () => {
    const access = new ConfiguredAccess({ ...defaults, publish: "token", publishToken: "s3cret" });
    const guesses = ["a", "s3cret", "s3creT", "x".repeat(4_000)];
    for (const guess of guesses) access.authorize(request("publish", there, `token=${guess}`));
    const { calls } = vi.mocked(crypto.timingSafeEqual).mock;
    expect(calls.slice(-guesses.length).map(([a, b]) => [a.byteLength, b.byteLength])).toEqual(
      guesses.map(() => [32, 32]),
    );
  });
});

test.each([
  [here, true],
  ["127.255.255.254", true],
  ["::1", true],
  [there, false],
  ["", false],
  ["localhost", false],
  ["0.0.0.0", false],
  ["::", false],
  ["128.0.0.1", false],
  ["127.0.0.1.example.org", false],
  ["127.1", false],
  ["2130706433", false],
  // The transport writes addresses of IPv4 as such; mapped ones that reach this place come from somewhere else.
  ["::ffff:127.0.0.1", false],
  ["::ffff:192.0.2.1", false],
  ["::1%eth0", false],
])("%s is this machine: %s", (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
  expect(new ConfiguredAccess(defaults).mayManage(address)).toBe(expected);
  expect(new ConfiguredAccess({ ...defaults, management: "anyone" }).mayManage(address)).toBe(true);
});

function request(action: "publish" | "play", address: string, query: string): AccessRequest {
  return { action, stream: parseStreamName("live/cam"), protocol: "rtmp", address, query };
}
