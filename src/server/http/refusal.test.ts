import { connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_HTTP_REQUEST } from "../errors.ts";
import { problemOf } from "./problem.ts";
import { clientErrorOf, endWithProblem } from "./refusal.ts";

test.each([
  ["ECONNRESET", undefined],
  ["EPIPE", undefined],
  ["ERR_HTTP_REQUEST_TIMEOUT", "ERR_HTTP_TIMEOUT"],
  ["HPE_HEADER_OVERFLOW", "ERR_HTTP_HEADER_TOO_LARGE"],
  ["HPE_INVALID_METHOD", "ERR_HTTP_REQUEST"],
  [undefined, "ERR_HTTP_REQUEST"],
])("the parser's %s is %s", (code, expected) => {
  const error: NodeJS.ErrnoException = new Error("x");
  if (code !== undefined) error.code = code;
  expect(clientErrorOf(error)?.code).toBe(expected);
});

test("an answer closes the connection, also when the client keeps its side open", async () => {
  const closed = Promise.withResolvers<void>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("close", () => closed.resolve());
    endWithProblem(socket, problemOf(new CodedError(ERR_HTTP_REQUEST, "nö")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = connect({ port: (server.address() as { port: number }).port, allowHalfOpen: true });
  let received = "";
  client.on("data", (bytes: Buffer) => {
    received += bytes.toString();
  });
  await closed.promise;
  await new Promise<void>((resolve) => client.on("end", resolve));
  client.destroy();
  server.close();
  const [head = "", body = ""] = received.split("\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1\.1 400 Refused\r\n/);
  expect(head).toContain(`Content-Length: ${Buffer.byteLength(body)}`);
  expect(JSON.parse(body)).toMatchObject({ code: "ERR_HTTP_REQUEST", detail: "nö", status: 400 });
});
