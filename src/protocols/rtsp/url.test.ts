import { describe, expect, it } from "vitest";
import { contentBaseOf, isSameTarget, isTrackTarget, parseRequestTarget, parseRtspUrl, resolveControl } from "./url.ts";

describe("addresses", () => {
  it.each([
    ["rtsp://host/live/cam", ["host", 554, "live/cam", "", undefined, undefined, "rtsp://host/live/cam"]],
    ["RTSP://host:8554/a?b=c/d", ["host", 8554, "a", "b=c/d", undefined, undefined, "rtsp://host:8554/a?b=c/d"]],
    ["rtsps://[::1]:8322/a", ["::1", 8322, "a", "", undefined, undefined, "rtsps://[::1]:8322/a"]],
    ["rtsps://host", ["host", 322, "", "", undefined, undefined, "rtsps://host"]],
    ["rtsp://u:p%40%3a@host/", ["host", 554, "", "", "u", "p@:", "rtsp://host/"]],
    ["rtsp://u:p@ss:w@host/", ["host", 554, "", "", "u", "p@ss:w", "rtsp://host/"]],
    ["rtsp://u@host/a", ["host", 554, "a", "", "u", "", "rtsp://host/a"]],
    ["rtsp://:@host/a", ["host", 554, "a", "", "", "", "rtsp://host/a"]],
    ["rtsp://u:100%@host?q", ["host", 554, "", "q", "u", "100%", "rtsp://host?q"]],
    ["rtsp://host/a/../%2f//b/", ["host", 554, "a/../%2f//b/", "", undefined, undefined, "rtsp://host/a/../%2f//b/"]],
  ])("reads %s", (text, expected) => {
    const { host, port, path, query, username, password, requestUrl, isTls } = parseRtspUrl(text);
    expect([host, port, path, query, username, password, requestUrl]).toEqual(expected);
    expect(isTls).toBe(text.startsWith("rtsps"));
  });

  it.each([
    "",
    "host/live",
    "http://host/live",
    "rtspu://host/live",
    "rtsp:///live",
    "rtsp://::1/live",
    "rtsp://host:0/live",
    "rtsp://host:65536/live",
    "rtsp://host:/live",
    "rtsp://ho st/live",
    "rtsp://host/li ve",
    "rtsp://host/live\r\nX: y",
    "rtsp://host/live#x",
  ])("refuses %j", (text) => {
    expect(() => parseRtspUrl(text)).toThrowError(expect.objectContaining({ code: "ERR_RTSP_URL" }));
  });

  it("does not repeat an address in an error: it may hold a secret", () => {
    expect(() => parseRtspUrl("rtsp://user:secret@ho st/live")).toThrowError(/^(?!.*secret)/);
  });
});

describe("what a request asks for", () => {
  it.each([
    ["rtsp://host:8554/live/cam?token=x", "live/cam", "token=x"],
    ["rtsps://user:pass@host/live/cam/", "live/cam", ""],
    ["rtspu://host//live/cam//", "live/cam", ""],
    ["/live/cam", "live/cam", ""],
    ["rtsp://host", "", ""],
    ["rtsp://host?x", "", "x"],
    ["*", "", ""],
    ["rtsp://host/a%2fb/../c", "a%2fb/../c", ""],
  ])("by %s", (url, path, query) => {
    expect(parseRequestTarget(url)).toEqual({ path, query });
  });

  it.each(["http://host/live", "live/cam", "rtsp:/host", "rtsp://host/a#b"])("not by %s", (url) => {
    expect(() => parseRequestTarget(url)).toThrowError(expect.objectContaining({ code: "ERR_RTSP_URL" }));
  });

  it("has a base that players hang controls on", () => {
    expect(contentBaseOf("rtsp://host/live/cam")).toBe("rtsp://host/live/cam/");
    expect(contentBaseOf("rtsp://host/live/cam//")).toBe("rtsp://host/live/cam/");
    expect(contentBaseOf("rtsp://host/live/cam?token=x")).toBe("rtsp://host/live/cam/?token=x/");
  });

  it("is found again without a path", () => {
    expect(isTrackTarget(parseRequestTarget("rtsp://host/a"), parseRequestTarget("rtsp://host"), "a")).toBe(true);
  });

  it("is found again, whoever hangs what on what", () => {
    const base = parseRequestTarget("rtsp://host/live/cam?token=x");
    const contentBase = contentBaseOf("rtsp://host/live/cam?token=x");
    const byFfmpeg = resolveControl(contentBase, "trackID=0");
    const byRfc3986 = new URL("trackID=0", contentBase).href;
    for (const url of [byFfmpeg, byRfc3986, "rtsp://host/live/cam//trackID=0", "rtsp://host/trackID=0"]) {
      const isDirect = url === "rtsp://host/trackID=0";
      expect(isTrackTarget(parseRequestTarget(url), base, "trackID=0"), url).toBe(!isDirect);
      expect(isTrackTarget(parseRequestTarget(url), base, "trackID=1"), url).toBe(false);
    }
    expect(isSameTarget(parseRequestTarget(contentBase), base)).toBe(true);
    expect(isSameTarget(parseRequestTarget("rtsp://host/live/cam/"), base)).toBe(true);
    expect(isSameTarget(parseRequestTarget("rtsp://host/live/cam?token=y"), base)).toBe(false);
    expect(isSameTarget(parseRequestTarget("rtsp://host/live"), base)).toBe(false);
  });
});

it.each([
  ["rtsp://h/a/", "t", "rtsp://h/a/t"],
  ["rtsp://h/a", "t", "rtsp://h/a/t"],
  ["rtsp://h/a?b", "t", "rtsp://h/a?b/t"],
  ["rtsp://h/a/", "*", "rtsp://h/a/"],
  ["rtsp://h/a/", undefined, "rtsp://h/a/"],
  ["rtsp://h/a/", "", "rtsp://h/a/"],
  ["rtsp://h/a", "rtsp://i/t", "rtsp://i/t"],
  ["rtsp://h/a", "?t", "rtsp://h/a?t"],
  ["rtsp://h/a/", "/t", "rtsp://h/a/t"],
  ["rtsp://h:1/a", "/a/t", "rtsp://h:1/a/t"],
  ["rtsp://h", "/t", "rtsp://h/t"],
])("%s and %s make %s", (base, control, expected) => {
  expect(resolveControl(base, control)).toBe(expected);
});
