/** RTMPS: ffmpeg over TLS, and a certificate that is renewed while the server runs. */

import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { finished, frameHashes, publishFile, recordStream, writeTestFile } from "../support/ffmpeg.ts";
import { TestFolder } from "../support/folder.ts";
import { expectSameFrames } from "../support/frames.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const run = promisify(execFile);
const resources = new AsyncDisposableStack();
const folder = resources.use(new TestFolder());
const certificate = folder.file("certificate.pem");
const key = folder.file("key.pem");
const source = folder.file("source.flv");

beforeAll(async () => {
  await makeCertificate("first.example");
  await writeTestFile(source, { seconds: 5, gop: 50, bFrames: 2 });
});
afterAll(() => resources.disposeAsync());

test("ffmpeg publishes and plays over RTMPS, and keeps doing so while the certificate is renewed", async () => {
  const files = [`rtmp.tls.certificate=${certificate}`, `rtmp.tls.key=${key}`];
  await using server = await startServer({
    set: ["rtmp.tls.port=0", ...files, "streaming.idle_timeout=300ms"],
  });
  const port = server.rtmpsPort!;
  const url = `rtmps://127.0.0.1:${port}/live/secret`;
  await using publisher = publishFile(source, url);
  await waitFor("the stream", async () => (await server.stats()).active_streams.includes("live/secret"));
  const records = [folder.file("tls.mkv"), folder.file("plain.mkv")] as const;
  await using secure = recordStream(url, records[0]);
  await using plain = recordStream(server.rtmpUrl("live/secret"), records[1]);
  await waitFor("both players", async () => (await server.stats()).subscribers === 2);
  expect(await certificateName(port)).toBe("first.example");

  await makeCertificate("second.example");
  await waitFor("the renewed certificate", async () => (await certificateName(port)) === "second.example");
  expect((await server.stats()).active_streams, "the publisher stays").toContain("live/secret");

  expect(await finished(publisher, "the publisher")).toBe(0);
  const pictures = await frameHashes(source, "v:0");
  for (const [player, record] of [
    [secure, records[0]],
    [plain, records[1]],
  ] as const) {
    await finished(player, record);
    expectSameFrames(record, await frameHashes(record, "v:0"), pictures, { starts: [0] });
  }
});

test("a renewed certificate that does not fit its key leaves the old one in use", async () => {
  await makeCertificate("good.example");
  const files = [`rtmp.tls.certificate=${certificate}`, `rtmp.tls.key=${key}`];
  await using server = await startServer({ set: ["rtmp.tls.port=0", ...files] });
  await run("openssl", ["genpkey", "-algorithm", "ed25519", "-out", key]);
  await waitFor("a line in the log", () => server.logLines.some(({ code }) => code === "ERR_CERTIFICATE"));
  expect(await certificateName(server.rtmpsPort!)).toBe("good.example");
});

async function makeCertificate(name: string): Promise<void> {
  const subject = ["-subj", `/CN=${name}`, "-days", "2", "-nodes"];
  const files = ["-keyout", key, "-out", certificate];
  await run("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", ...subject, ...files]);
}

/** The name in the certificate that a new connection is shown. */
async function certificateName(port: number): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}
