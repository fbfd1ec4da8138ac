/**
 * One grammar of stream names, whoever asks (THREATS S-06, S-08): every spelling but the canonical one is refused alike by
 * publish and play over RTMP, by GET and HEAD over HTTP, and by a WebSocket; and no stream appears.
 *
 * Where app and name are cut makes no difference: `live/a` + `b` and `live` + `a/b` are both the stream live/a/b, and access is
 * decided on that. A query belongs to no name. One slash behind the app is the one thing that is overlooked, because people
 * type `rtmp://host/live/` into encoders.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Canary } from "../support/raw-canary.ts";
import { RawHttp, requestText, webSocketHeaders } from "../support/raw-http.ts";
import { RawRtmp } from "../support/raw-rtmp.ts";
import { errorCount, expectCounted, expectQuietLog } from "../support/raw-server.ts";
import { startServer, type TestServer } from "../support/server.ts";

/** What follows `live/`, each character one byte in HTTP. */
const spellings: readonly string[] = [
  ...["", ".", "..", "./cam", "../cam", "../../cam", "../../../../pwned/s", "a/../cam", "a/./cam", "cam/..", "cam/."],
  ...[
    "/cam",
    "//cam",
    "a//cam",
    "cam/",
    "cam//",
    "a/b/",
    "/",
    "//",
    "/../cam",
    "..//cam",
    ".../..",
    "cam/../../etc/passwd",
  ],
  ...[
    "%2e%2e",
    "%2e",
    "%2f",
    "a%2fcam",
    "a%2Fcam",
    "..%2fcam",
    "%2e%2e%2fcam",
    "%2e%2e/cam",
    "..%5ccam",
    "%252e%252e%252fcam",
  ],
  ...["%63am", "cam%00", "cam%20", "cam%0d%0a", "%c0%ae%c0%ae%c0%afcam", "%u002e", "cam%", "%", "%zz", "cam%2eflv"],
  ...[
    "\\cam",
    "a\\cam",
    "..\\cam",
    "..\\..\\cam",
    "C:\\cam",
    "C:cam",
    "cam:1",
    "cam::$DATA",
    "~",
    "~root",
    "~/cam",
    "cam~",
  ],
  ...[
    "\0",
    "cam\0",
    "\0cam",
    "cam\0.png",
    "cam\n",
    "cam\r",
    "\tcam",
    " cam",
    "cam ",
    "c am",
    "\x7fcam",
    "\x1b[31mcam",
    "\x0bcam",
  ],
  ...[
    "caf\u00e9",
    "\u00c0\u00ae\u00c0\u00ae",
    "\u00ef\u00bc\u008fcam",
    "\u00e2\u0080\u00aecam",
    "\u00ff\u00fe",
    "\u00a0cam",
  ],
  ...[
    "cam;a",
    "cam;a=1",
    "cam,a",
    "cam&a=b",
    "cam#a",
    "#",
    "cam=",
    "cam+",
    "cam*",
    "*",
    "cam|id",
    "`id`",
    "$(id)",
    "$id",
  ],
  ...[
    "'cam'",
    '"cam"',
    "<cam>",
    "[cam]",
    "{cam}",
    "(cam)",
    "@cam",
    "cam@host",
    "!cam",
    "^cam",
    "http://host/cam",
    "rtmp:cam",
  ],
  ...["x".repeat(129), "x".repeat(300), "x/".repeat(150), `${"x".repeat(120)}/${"y".repeat(120)}/${"z".repeat(120)}`],
];

const resources = new AsyncDisposableStack();
let server: TestServer;
let canary: Canary;

beforeAll(async () => {
  server = resources.use(await startServer());
  canary = resources.use(await Canary.start(server));
});
afterEach(async () => {
  expect((await server.stats()).total_streams, "streams").toBe(1);
  await canary.expectNothingLost();
});
afterAll(async () => {
  try {
    expectQuietLog(server);
  } finally {
    await resources.disposeAsync();
  }
});

test("there are more than 60 spellings, no two alike", () => {
  expect(new Set(spellings).size).toBe(spellings.length);
  expect(spellings.length).toBeGreaterThan(60);
});

describe("over RTMP", () => {
  test("publish answers BadName", async () => {
    using peer = await RawRtmp.withStream(server.rtmpPort);
    await expectCounted(server, "ERR_STREAM_NAME", spellings.length, async () => {
      for (const [index, name] of spellings.entries()) {
        peer.command(1, "publish", 3, null, name, "live");
        await peer.statusCount(index + 1);
      }
    });
    expect(new Set(peer.statuses)).toEqual(new Set(["NetStream.Publish.BadName"]));
  });

  test("play answers StreamNotFound", async () => {
    using peer = await RawRtmp.withStream(server.rtmpPort);
    await expectCounted(server, "ERR_STREAM_NAME", spellings.length, async () => {
      for (const [index, name] of spellings.entries()) {
        peer.command(1, "play", 3, null, name, -1000);
        await peer.statusCount(index + 1);
      }
    });
    expect(new Set(peer.statuses)).toEqual(new Set(["NetStream.Play.StreamNotFound"]));
  });

  test("a spelling is no better in the app", async () => {
    // Without a slash at the end: one is overlooked there.
    const apps = spellings.filter((spelling) => !/^$|[^/]\/$|^\/$/.test(spelling));
    await expectCounted(server, "ERR_STREAM_NAME", apps.length, async () => {
      const statuses = apps.map(async (app) => {
        using peer = await RawRtmp.withStream(server.rtmpPort, `live/${app}`);
        peer.command(1, "publish", 3, null, "cam", "live");
        await peer.statusCount(1);
        return peer.statuses;
      });
      expect(await Promise.all(statuses)).toEqual(apps.map(() => ["NetStream.Publish.BadName"]));
    });
  });

  test("without an app there is no name", async () => {
    await expectCounted(server, "ERR_STREAM_NAME", 2, async () => {
      for (const app of ["", "/"]) {
        using peer = await RawRtmp.withStream(server.rtmpPort, app);
        peer.command(1, "publish", 3, null, "cam", "live");
        await peer.status("NetStream.Publish.BadName");
      }
    });
  });

  test("strings longer than any name end the session", async () => {
    await expectCounted(server, "ERR_RTMP_COMMAND_ARGUMENT", 1, async () => {
      using peer = await RawRtmp.withStream(server.rtmpPort);
      peer.command(1, "publish", 3, null, "x".repeat(5_000), "live");
      await peer.closed;
    });
  });

  test.each([
    ["an app with a slash behind it", "canary/", "bird"],
    ["a query behind the app", "canary?token=x", "bird"],
    ["a query behind the name", "canary", "bird?token=../../x"],
  ])("%s leads to the same stream", async (_name, app, name) => {
    await expectCounted(server, "ERR_STREAM_BUSY", 1, async () => {
      using peer = await RawRtmp.withStream(server.rtmpPort, app);
      peer.command(1, "publish", 3, null, name, "live");
      await peer.status("NetStream.Publish.BadName");
    });
  });
});

describe("over HTTP", () => {
  test.each([
    ["GET", {}],
    ["HEAD", {}],
    ["GET", webSocketHeaders],
  ] as const)("%s %s of such a stream answers 400", async (method, headers) => {
    await expectRefused(
      spellings.map((spelling) => `/live/${spelling}.flv`),
      method,
      headers,
    );
  });

  test("and so does its page", async () => {
    // The parser takes blanks behind the target for its end.
    const others = spellings.filter((spelling) => !spelling.endsWith(" "));
    await expectRefused(
      others.map((spelling) => `/live/${spelling}`),
      "GET",
      {},
    );
  });

  test("each is counted as over RTMP", async () => {
    const before = await errorCount(server, "ERR_STREAM_NAME");
    using request = new RawHttp(server.httpPort, requestText("GET", "/live/../cam.flv"));
    await request.status();
    expect(await errorCount(server, "ERR_STREAM_NAME")).toBe(before + 1);
  });

  test("no file is reached through the folder of the page", async () => {
    const targets = [
      "../package.json",
      "..%2fpackage.json",
      "%2e%2e/package.json",
      "%2e%2e%2fpackage.json",
      "..\\package.json",
    ];
    for (const target of [...targets, "%00", "assets/../../package.json", ".git/config", "../../../../etc/passwd"]) {
      using request = new RawHttp(server.httpPort, requestText("GET", `/_millrace/${target}`));
      expect(await request.status(), target).toBeGreaterThanOrEqual(400);
      expect(request.received).not.toMatch(/"dependencies"|root:|\[core\]/);
    }
  });
});

async function expectRefused(
  targets: readonly string[],
  method: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const statuses = await Promise.all(
    targets.map(async (target) => {
      using request = new RawHttp(server.httpPort, requestText(method, target, headers));
      return [target, await request.status()];
    }),
  );
  expect(statuses).toEqual(targets.map((target) => [target, 400]));
}
