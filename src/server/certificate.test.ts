import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { copyFile, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import type { SecureContextOptions } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TestFolder } from "../../test/support/folder.ts";
import { waitFor } from "../../test/support/wait.ts";
import { type Certificate, watchCertificate } from "./certificate.ts";
import { createLogger, type Logger } from "./log/logger.ts";

let folder: TestFolder;
let lines: Record<string, unknown>[];
let logger: Logger;
let renewed: SecureContextOptions[];
let certificate: Certificate | undefined;

beforeEach(() => {
  folder = new TestFolder();
  lines = [];
  renewed = [];
  certificate = undefined;
  logger = createLogger({
    ...{ level: "info", format: "json", isTerminal: false },
    destination: { write: (line) => lines.push(JSON.parse(line)) },
  });
});
afterEach(async () => {
  await certificate?.close();
  await folder[Symbol.asyncDispose]();
});

test("is read at the start", async () => {
  makePair("a");
  certificate = await watchPair("a.crt", "a.key");
  expect(subjectOf(certificate.context)).toBe("CN=a");
});

test("is renewed when files of the same names replace the old ones", async () => {
  makePair("now");
  makePair("next");
  certificate = await watchPair("now.crt", "now.key");
  for (const end of ["crt", "key"]) await rename(folder.file(`next.${end}`), folder.file(`now.${end}`));
  await waitFor("the renewal", () => renewed.length === 1);
  expect(subjectOf(renewed[0]!)).toBe("CN=next");
});

test("is renewed when it is written anew in place", async () => {
  makePair("now");
  makePair("next");
  certificate = await watchPair("now.crt", "now.key");
  for (const end of ["crt", "key"]) await copyFile(folder.file(`next.${end}`), folder.file(`now.${end}`));
  await waitFor("the renewal", () => renewed.some((context) => subjectOf(context) === "CN=next"));
});

test("is renewed when links lead to other files, as certbot has it", async () => {
  makePair("one");
  makePair("two");
  await mkdir(folder.file("live"));
  for (const end of ["crt", "key"]) await symlink(`../one.${end}`, folder.file(`live/it.${end}`));
  certificate = await watchPair("live/it.crt", "live/it.key");
  expect(subjectOf(certificate.context)).toBe("CN=one");
  for (const end of ["crt", "key"]) await replaceLink(`../two.${end}`, `live/it.${end}`);
  await waitFor("the renewal", () => renewed.some((context) => subjectOf(context) === "CN=two"));
});

test("is renewed when a link leads to another folder, as Kubernetes has it", async () => {
  for (const version of ["one", "two"]) {
    await mkdir(folder.file(`..${version}`));
    makePair(version);
    for (const end of ["crt", "key"])
      await rename(folder.file(`${version}.${end}`), folder.file(`..${version}/tls.${end}`));
  }
  await symlink("..one", folder.file("..data"));
  for (const end of ["crt", "key"]) await symlink(`..data/tls.${end}`, folder.file(`tls.${end}`));
  certificate = await watchPair("tls.crt", "tls.key");
  expect(subjectOf(certificate.context)).toBe("CN=one");
  await replaceLink("..two", "..data");
  await waitFor("the renewal", () => renewed.some((context) => subjectOf(context) === "CN=two"));
});

test.each<readonly [string, () => Promise<void>]>([
  ["a key that does not fit", () => copyFile(folder.file("other.key"), folder.file("now.key"))],
  ["no PEM", () => writeFile(folder.file("now.crt"), "-----BEGIN CERTIFICATE-----\nnonsense\n")],
  ["an empty file", () => writeFile(folder.file("now.key"), "")],
  ["no file", () => rm(folder.file("now.crt"))],
])("stays as it is when the new pair has %s, and says so once", async (_what, spoil) => {
  makePair("now");
  makePair("other");
  certificate = await watchPair("now.crt", "now.key");
  await spoil();
  const line = await waitFor("the complaint", () => lines.find(({ code }) => code === "ERR_CERTIFICATE"));
  expect(line["msg"]).toContain("the old certificate stays in use");
  expect(line["msg"]).toContain("now.crt");
  expect(JSON.stringify(lines)).not.toContain("PRIVATE KEY");
  expect(renewed).toEqual([]);
});

test("is renewed by a good pair after a bad one", async () => {
  makePair("now");
  makePair("next");
  certificate = await watchPair("now.crt", "now.key");
  await writeFile(folder.file("now.crt"), "nonsense");
  await waitFor("the complaint", () => lines.some(({ code }) => code === "ERR_CERTIFICATE"));
  for (const end of ["crt", "key"]) await rename(folder.file(`next.${end}`), folder.file(`now.${end}`));
  await waitFor("the renewal", () => renewed.some((context) => subjectOf(context) === "CN=next"));
});

test("is left alone when other files of its folder change", async () => {
  makePair("now");
  certificate = await watchPair("now.crt", "now.key");
  await writeFile(folder.file("other"), "x");
  makePair("marker"); // what the watcher sees after it
  await copyFile(folder.file("marker.crt"), folder.file("now.crt"));
  await waitFor("the complaint about what was really changed", () => lines.length > 0);
  expect(lines.filter(({ msg }) => String(msg).includes("read again"))).toEqual([]);
});

test("that can't be used at the start is a coded error with both names in it", async () => {
  makePair("a");
  makePair("b");
  await expect(watchPair("a.crt", "b.key")).rejects.toMatchObject({
    code: "ERR_CERTIFICATE",
    message: expect.stringMatching(/a\.crt.*b\.key/),
  });
  await expect(watchPair("a.crt", "none.key")).rejects.toMatchObject({ code: "ERR_CERTIFICATE" });
});

function watchPair(certificateFile: string, keyFile: string): Promise<Certificate> {
  const paths = { certificatePath: folder.file(certificateFile), keyPath: folder.file(keyFile) };
  return watchCertificate(paths, logger, (context) => renewed.push(context));
}

function makePair(name: string): void {
  const files = ["-keyout", folder.file(`${name}.key`), "-out", folder.file(`${name}.crt`)];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  execFileSync("openssl", ["req", ...kind, "-subj", `/CN=${name}`, ...files], { stdio: "ignore" });
}

function subjectOf(context: SecureContextOptions): string {
  return new X509Certificate(context.cert as Buffer).subject;
}

/** Makes a link lead elsewhere in one step. */
async function replaceLink(target: string, name: string): Promise<void> {
  await symlink(target, folder.file(`${name}.new`));
  await rename(folder.file(`${name}.new`), folder.file(name));
}
