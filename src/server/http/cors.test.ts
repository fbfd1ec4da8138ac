import { describe, expect, test } from "vitest";
import { AllowedOrigins, isLocalHost } from "./cors.ts";

const named = new AllowedOrigins(["https://a.example", "http://b.example:8080"]);
const all = new AllowedOrigins(["*"]);
const none = new AllowedOrigins([]);

describe("what a media response says", () => {
  test.each([
    [all, "https://x.example", "*"],
    [all, undefined, "*"],
    [named, "https://a.example", "https://a.example"],
    [named, "http://b.example:8080", "http://b.example:8080"],
    [named, "http://a.example", undefined],
    [named, "https://a.example:8443", undefined],
    [named, "https://a.example.evil.example", undefined],
    [named, "https://A.EXAMPLE", undefined],
    [named, "null", undefined],
    [named, undefined, undefined],
    [none, "https://a.example", undefined],
  ])("%# to %s: %s", (origins, origin, expected) => {
    expect(origins.answer(origin)).toBe(expected);
  });
});

describe("who may open a WebSocket, and who may manage", () => {
  test.each<[AllowedOrigins, string | undefined, string | undefined, mayOpen: boolean, mayManage: boolean]>([
    [all, "https://x.example", "me:8000", true, false],
    [all, undefined, "me:8000", true, true],
    [all, "http://me:8000", "me:8000", true, true],
    [named, "https://a.example", "me:8000", true, true],
    [named, "https://x.example", "me:8000", false, false],
    [named, "http://me:8000", "me:8000", true, true],
    [named, "https://me:8000", "me:8000", true, true],
    [named, "http://me", "me:8000", false, false],
    [named, "http://me:8000", undefined, false, false],
    [named, "null", "null", false, false],
    [none, undefined, "me", true, true],
    [none, "https://a.example", "me", false, false],
  ])("%# %s on %s", (origins, origin, host, mayOpen, mayManage) => {
    expect(origins.mayOpenWebSocket(origin, host)).toBe(mayOpen);
    expect(origins.mayManage(origin, host)).toBe(mayManage);
  });
});

test.each([
  [undefined, true],
  ["localhost", true],
  ["LocalHost:8000", true],
  ["127.0.0.1", true],
  ["192.0.2.1:8000", true],
  ["[::1]", true],
  ["[::1]:8000", true],
  ["", false],
  ["media.example", false],
  ["localhost.evil.example", false],
  ["127.0.0.1.evil.example:80", false],
  ["127.0.0.1:80:80", false],
  ["localhost:x", false],
  ["user@localhost", false],
])("the host %s is an address or localhost: %s", (host, expected) => {
  expect(isLocalHost(host)).toBe(expected);
});
