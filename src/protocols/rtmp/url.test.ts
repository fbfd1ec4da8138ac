import { expect, it } from "vitest";
import { joinQueries, parseRtmpUrl, splitQuery } from "./url.ts";

it.each([
  ["rtmp://host/live/cam", ["host", 1935, "live", "cam", "", "rtmp://host/live"]],
  ["RTMP://host:1936/live/cam?token=a&b=c", ["host", 1936, "live", "cam", "token=a&b=c", "rtmp://host:1936/live"]],
  ["rtmp://10.0.0.1/a/b/c", ["10.0.0.1", 1935, "a/b", "c", "", "rtmp://10.0.0.1/a/b"]],
  ["rtmps://[::1]:443/live/cam", ["::1", 443, "live", "cam", "", "rtmps://[::1]:443/live"]],
  ["rtmps://host/live/cam", ["host", 443, "live", "cam", "", "rtmps://host/live"]],
  ["rtmp://host/live/cam?url=a/b?c", ["host", 1935, "live", "cam", "url=a/b?c", "rtmp://host/live"]],
])("reads %s", (text, expected) => {
  const { host, port, app, name, query, tcUrl, isTls } = parseRtmpUrl(text);
  expect([host, port, app, name, query, tcUrl]).toEqual(expected);
  expect(isTls).toBe(text.startsWith("rtmps"));
});

it.each([
  "",
  "http://host/live/cam",
  "rtmp://host",
  "rtmp://host/live",
  "rtmp://host/live/",
  "rtmp://host//cam",
  "rtmp://host:0/live/cam",
  "rtmp://host:65536/live/cam",
  "rtmp://user:secret@host/live/cam",
  "rtmp://host/live/ca m",
  "rtmp://host/live/cam#x",
])("refuses %j", (text) => {
  expect(() => parseRtmpUrl(text)).toThrowError(expect.objectContaining({ code: "ERR_RTMP_URL" }));
});

it("does not repeat an address in an error: it may hold a secret", () => {
  expect(() => parseRtmpUrl("rtmp://user:secret@host/live/cam")).toThrowError(/^(?!.*secret)/);
});

it("splits at the first question mark", () => {
  expect(splitQuery("cam?a=b?c")).toEqual({ path: "cam", query: "a=b?c" });
  expect(splitQuery("cam")).toEqual({ path: "cam", query: "" });
});

it("joins queries, the stream name's first", () => {
  expect([joinQueries("a", "b"), joinQueries("", "b"), joinQueries("a", ""), joinQueries("", "")]).toEqual([
    "a&b",
    "b",
    "a",
    "",
  ]);
});
