/**
 * The player page in a real browser: the server's own page, a stream of an encoder, pictures that are decoded and move.
 *
 * Each test has its stream and its page; browser and server are shared, except where a test takes the server away.
 */

import { resolve } from "node:path";
import type { Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestBrowser } from "../support/chromium.ts";
import { publishTestStream } from "../support/ffmpeg.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

/** `window.millracePlayer`, as the page shows it to tests. */
interface PlayerView {
  readonly state: { readonly phase: string; readonly situation?: string; readonly muted: boolean };
  readonly stats: {
    readonly transport: string;
    readonly videoCodec?: string;
    readonly audioCodec?: string;
    readonly width: number;
    readonly height: number;
    readonly framesPerSecond?: number;
    readonly bitsPerSecond?: number;
    readonly delaySeconds?: number;
    readonly decodedFrames: number;
    readonly decodedAudioBytes: number;
  };
}

let browser: TestBrowser;
let server: TestServer;

beforeAll(async () => {
  await build({ root: resolve(import.meta.dirname, "../../web"), logLevel: "warn" });
  [browser, server] = await Promise.all([TestBrowser.start(), startServer()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

describe("while somebody publishes", () => {
  test("pictures are decoded and move, sound is decoded, the figures are right, and nothing is complained about", async () => {
    await using _publisher = publishTestStream(server.rtmpUrl("live/cam"), { size: "640x360" });
    await isLive("live/cam");
    const { page, complaints } = await browser.newPage();
    await page.goto(server.httpUrl("/live/cam"));
    await phaseIs(page, "playing");

    const before = await view(page);
    const picture = await pictureOf(page);
    const startedAt = performance.now();
    await waitFor("20 more pictures", async () => {
      const { decodedFrames } = (await view(page)).stats;
      return decodedFrames >= before.stats.decodedFrames + 20;
    });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(await pictureOf(page)).not.toBe(picture);

    const { stats } = await waitFor("all figures", async () => {
      const now = await view(page);
      return now.stats.bitsPerSecond !== undefined ? now : undefined;
    });
    expect(stats).toMatchObject({ transport: "websocket", width: 640, height: 360 });
    expect(stats.decodedAudioBytes).toBeGreaterThan(before.stats.decodedAudioBytes);
    expect(stats.framesPerSecond).toBeCloseTo(25, 0);
    expect(stats.bitsPerSecond).toBeGreaterThan(50_000);
    expect(stats.delaySeconds).toBeLessThan(1.5);
    const figures = await page.textContent(".stats");
    for (const shown of ["H.264", "AAC", "640 × 360", "25 fps", "WebSocket-FLV"]) expect(figures).toContain(shown);
    expect(complaints).toEqual([]);
  });

  test("sound alone plays", async () => {
    await using _publisher = publishTestStream(server.rtmpUrl("live/sound"), { hasVideo: false });
    await isLive("live/sound");
    const { page, complaints } = await browser.newPage();
    await page.goto(server.httpUrl("/live/sound"));
    await phaseIs(page, "playing");
    await growing(page, "decodedAudioBytes");
    await page.waitForSelector("text=Sound only");
    expect((await view(page)).stats.audioCodec).toContain("AAC");
    expect(complaints).toEqual([]);
  });

  test("a picture alone plays, and offers no sound", async () => {
    await using _publisher = publishTestStream(server.rtmpUrl("live/silent"), { hasAudio: false });
    await isLive("live/silent");
    const { page, complaints } = await browser.newPage();
    await page.goto(server.httpUrl("/live/silent"));
    await phaseIs(page, "playing");
    await growing(page, "decodedFrames");
    expect(await page.isVisible(".unmute")).toBe(false);
    expect(complaints).toEqual([]);
  });

  test("?audio=0 leaves the sound out", async () => {
    await using _publisher = publishTestStream(server.rtmpUrl("live/both"));
    await isLive("live/both");
    const { page } = await browser.newPage();
    await page.goto(server.httpUrl("/live/both?audio=0"));
    await phaseIs(page, "playing");
    const { stats } = await view(page);
    expect([stats.audioCodec, stats.decodedAudioBytes]).toEqual([undefined, 0]);
  });

  test("B-frames come out in order, with a picture of the right size", async () => {
    await using _publisher = publishTestStream(server.rtmpUrl("live/bframes"), { bFrames: 2, hasAudio: false });
    await isLive("live/bframes");
    const { page, complaints } = await browser.newPage();
    await page.goto(server.httpUrl("/live/bframes"));
    await phaseIs(page, "playing");
    await growing(page, "decodedFrames");
    expect(complaints).toEqual([]);
  });

  test("the button unmutes, m mutes, space pauses and goes on at the live edge", async () => {
    await using _publisher = publishTestStream(server.rtmpUrl("live/keys"));
    await isLive("live/keys");
    const { page } = await browser.newPage();
    await page.goto(server.httpUrl("/live/keys"));
    await phaseIs(page, "playing");
    await page.click(".unmute");
    expect((await view(page)).state.muted).toBe(false);
    expect(await page.isVisible(".unmute")).toBe(false);
    await page.locator("body").press("m");
    expect((await view(page)).state.muted).toBe(true);
    await page.locator("body").press("Space");
    await phaseIs(page, "paused");
    await waitFor("the viewer to be gone", async () => (await subscribers("live/keys")) === 0);
    await page.locator("body").press("Space");
    await phaseIs(page, "playing");
    await growing(page, "decodedFrames");
  });

  test("HTTP is taken by itself when WebSocket does not get through", async () => {
    await using _publisher = publishTestStream(server.rtmpUrl("live/plain"));
    await isLive("live/plain");
    const { page } = await browser.newPage();
    await page.routeWebSocket(/\.flv/, (socket) => socket.close());
    await page.goto(server.httpUrl("/live/plain"));
    await phaseIs(page, "playing");
    await growing(page, "decodedFrames");
    expect((await view(page)).stats.transport).toBe("http");
    expect(await page.textContent(".stats")).toContain("HTTP-FLV");
  });

  test("?controls=0 shows the picture and nothing else", async () => {
    await using _publisher = publishTestStream(server.rtmpUrl("live/embedded"));
    await isLive("live/embedded");
    const { page } = await browser.newPage({ width: 640, height: 360 });
    await page.goto(server.httpUrl("/live/embedded?controls=0"));
    await phaseIs(page, "playing");
    for (const part of ["button", "header", ".stats", ".controls"]) expect(await page.isVisible(part)).toBe(false);
    expect(await page.locator("video").boundingBox()).toMatchObject({ x: 0, y: 0, width: 640, height: 360 });
  });
});

describe("while nobody publishes", () => {
  test("the page says so and how to publish, and plays within three seconds of the publisher's arrival", async () => {
    const { page, complaints } = await browser.newPage();
    await page.goto(server.httpUrl("/live/later"));
    await phaseIs(page, "waiting");
    await page.waitForSelector("text=Nobody is publishing live/later yet");
    expect(await page.textContent(".card")).toContain("rtmp://127.0.0.1");
    await page.getByRole("radio", { name: "ffmpeg" }).check();
    const command = await page.textContent(".copy-row code");
    expect(command).toMatch(/^ffmpeg -re .* rtmp:\/\/127\.0\.0\.1(:\d+)?\/live\/later$/);

    await using _publisher = publishTestStream(server.rtmpUrl("live/later"));
    await isLive("live/later");
    await phaseIs(page, "playing", 3_000);
    await growing(page, "decodedFrames");
    // A browser reports each 404 in its console by itself; there may be nothing else.
    expect(complaints.filter((complaint) => !complaint.includes("404"))).toEqual([]);
  });

  test("a publisher that returns soon goes on, on the same connection", async () => {
    const { page, complaints } = await browser.newPage();
    {
      await using _publisher = publishTestStream(server.rtmpUrl("live/soon"));
      await isLive("live/soon");
      await page.goto(server.httpUrl("/live/soon"));
      await phaseIs(page, "playing");
    }
    await phaseIs(page, "stalled");
    await page.waitForSelector("text=No media has come for some seconds");
    await using _returned = publishTestStream(server.rtmpUrl("live/soon"));
    await phaseIs(page, "playing");
    await growing(page, "decodedFrames");
    expect(complaints).toEqual([]);
  });

  test("a publisher that stops is missed, and picked up again when it returns", async () => {
    const { page } = await browser.newPage();
    {
      await using _publisher = publishTestStream(server.rtmpUrl("live/again"), { size: "320x240" });
      await isLive("live/again");
      await page.goto(server.httpUrl("/live/again"));
      await phaseIs(page, "playing");
    }
    await phaseIs(page, "waiting", 20_000);
    await page.waitForSelector("text=live/again has ended");

    await using _returned = publishTestStream(server.rtmpUrl("live/again"), { size: "640x360" });
    await isLive("live/again");
    await phaseIs(page, "playing", 3_000);
    await growing(page, "decodedFrames");
    expect((await view(page)).stats.width).toBe(640);
  });
});

describe("when something is wrong", () => {
  test("a codec the browser can't play is named, with what to do", async () => {
    const { page } = await browser.newPage();
    await page.routeWebSocket(/\.flv/, (socket) => socket.send(vvcStream()));
    await page.goto(server.httpUrl("/live/vvc"));
    await phaseIs(page, "failed");
    const notice = await page.textContent(".notice");
    for (const words of ["VVC (H.266)", "Set the encoder to H.264"]) expect(notice).toContain(words);
  });

  test("who may not watch is told so, with the server's reason", async () => {
    await using guarded = await startServer({ set: ["access.play=token", "access.play_token=sesame"] });
    await using _publisher = publishTestStream(guarded.rtmpUrl("live/guarded"));
    await isLive("live/guarded", guarded);
    const { page } = await browser.newPage();
    await page.goto(guarded.httpUrl("/live/guarded"));
    await phaseIs(page, "failed");
    expect(await page.textContent(".notice")).toContain("You may not watch live/guarded");
    await page.goto(guarded.httpUrl("/live/guarded?token=sesame"));
    await phaseIs(page, "playing");
  });

  test("sound that the browser does not start with is left to a button, and the picture plays", async () => {
    await using _publisher = publishTestStream(server.rtmpUrl("live/loud"));
    await isLive("live/loud");
    const { page } = await browser.newPage();
    // A page under test counts as used by a person, so the policy of a person's browser is put in its place.
    await page.addInitScript(`{
      const { play } = HTMLMediaElement.prototype;
      HTMLMediaElement.prototype.play = function () {
        return this.muted ? play.call(this) : Promise.reject(new DOMException("not allowed", "NotAllowedError"));
      };
    }`);
    await page.goto(server.httpUrl("/live/loud?muted=0"));
    await phaseIs(page, "playing");
    expect((await view(page)).state.muted).toBe(true);
    await page.click("text=The browser started without sound");
    expect((await view(page)).state.muted).toBe(false);
    await growing(page, "decodedFrames");
  });

  test("a server that goes away is reported, and played from again when it is back", async () => {
    const first = await startServer();
    const port = first.httpPort;
    const { page } = await browser.newPage();
    try {
      await page.goto(first.httpUrl("/live/phoenix"));
      await phaseIs(page, "waiting");
    } finally {
      await first.stop();
    }
    await phaseIs(page, "retrying");
    await page.waitForSelector("text=The server does not answer");

    await using second = await startServer({ set: [`http.port=${port}`] });
    await using _publisher = publishTestStream(second.rtmpUrl("live/phoenix"));
    await isLive("live/phoenix", second);
    await phaseIs(page, "playing", 15_000);
  });
});

test("the front page opens a stream by its name", async () => {
  const { page, complaints } = await browser.newPage();
  await page.goto(server.httpUrl("/"));
  await page.fill("#stream", "live/elsewhere");
  await page.click("text=Open");
  await page.waitForURL("**/live/elsewhere");
  expect(complaints.filter((complaint) => !complaint.includes("404"))).toEqual([]);
});

async function view(page: Page): Promise<PlayerView> {
  return await page.evaluate<PlayerView>("({ state: millracePlayer.state, stats: millracePlayer.stats })");
}

async function phaseIs(page: Page, phase: string, timeoutMs = 10_000): Promise<void> {
  let last = "";
  await waitFor(
    `the phase ${phase}`,
    async () => {
      last = JSON.stringify(await view(page));
      return (JSON.parse(last) as PlayerView).state.phase === phase;
    },
    timeoutMs,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; the page says ${last}`);
  });
}

async function growing(page: Page, figure: "decodedFrames" | "decodedAudioBytes"): Promise<void> {
  const before = (await view(page)).stats[figure];
  await waitFor(`${figure} to grow`, async () => (await view(page)).stats[figure] > before);
}

/** The shown picture as a small PNG. */
async function pictureOf(page: Page): Promise<string> {
  return await page.evaluate<string>(`(() => {
    const canvas = document.createElement("canvas");
    canvas.width = 64;
    canvas.height = 36;
    canvas.getContext("2d").drawImage(document.querySelector("video"), 0, 0, 64, 36);
    return canvas.toDataURL();
  })()`);
}

async function isLive(name: string, on: TestServer = server): Promise<void> {
  await waitFor(`${name} to be published`, async () => (await on.stats()).active_streams.includes(name));
}

async function subscribers(name: string): Promise<number | undefined> {
  return (await server.stats()).streams.find((stream) => stream.name === name)?.subscribers;
}

/** An FLV header and the start of a VVC track, as Enhanced RTMP writes it. */
function vvcStream(): Buffer {
  const fileHeader = [0x46, 0x4c, 0x56, 1, 1, 0, 0, 0, 9, 0, 0, 0, 0];
  const body = [0x90, ...Buffer.from("vvc1"), 0, 0, 0];
  return Buffer.from([...fileHeader, 9, 0, 0, body.length, 0, 0, 0, 0, 0, 0, 0, ...body, 0, 0, 0, 11 + body.length]);
}
