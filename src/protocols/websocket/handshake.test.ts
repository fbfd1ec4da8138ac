import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { parseWebSocketRequest, type RequestHeaders, writeWebSocketAnswer } from "./handshake.ts";

const good: RequestHeaders = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
};

it("answers the example of RFC 6455 §1.3", () => {
  const sha1 = (text: string): string => createHash("sha1").update(text).digest("base64");
  const head = new TextDecoder().decode(writeWebSocketAnswer(parseWebSocketRequest("GET", good), sha1));
  expect(head.split("\r\n")).toEqual([
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "",
    "",
  ]);
});

it("chooses the first subprotocol that is offered", () => {
  const request = parseWebSocketRequest("GET", { ...good, "sec-websocket-protocol": "flv, other" });
  expect(request.protocol).toBe("flv");
});

it.each([
  ["another method", "POST", good],
  ["no upgrade", "GET", { ...good, upgrade: undefined }],
  ["an upgrade to something else", "GET", { ...good, upgrade: "h2c" }],
  ["another version", "GET", { ...good, "sec-websocket-version": "8" }],
  ["no key", "GET", { ...good, "sec-websocket-key": undefined }],
  ["a short key", "GET", { ...good, "sec-websocket-key": "c2hvcnQ=" }],
  ["a subprotocol with a line break", "GET", { ...good, "sec-websocket-protocol": "a\r\nSet-Cookie: b" }],
])("refuses %s", (_name, method, headers) => {
  expect(() => parseWebSocketRequest(method, headers)).toThrow(
    expect.objectContaining({ code: "ERR_WEBSOCKET_HANDSHAKE" }),
  );
});
