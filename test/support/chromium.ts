/** Debian's Chromium, headless, for tests that need what only a browser does: decode and show. */

import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

/** Debian's package; it has the H.264 and AAC decoders that Playwright's own builds lack. */
const defaultExecutable = "/usr/bin/chromium";

const flags = [
  // Containers and CI run as root, where Chromium's sandbox does not start.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  // No traffic but the test's own.
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
  // A container's /dev/shm is often 64 MB.
  "--disable-dev-shm-usage",
];

export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: "light" | "dark";
  readonly isPhone?: boolean;
}

/** A page and what it complained about. */
export interface WatchedPage {
  readonly page: Page;
  /** Console errors and warnings, uncaught exceptions, refused policies, in order. */
  readonly complaints: string[];
}

/** One browser with a fresh profile. `await using` closes it, whatever the test does. */
export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #contexts: BrowserContext[] = [];

  static async start(): Promise<TestBrowser> {
    const executablePath = process.env["CHROMIUM"] ?? defaultExecutable;
    if (!existsSync(executablePath)) {
      throw new Error(`no Chromium at ${executablePath}: apt-get install chromium, or name another in CHROMIUM`);
    }
    return new TestBrowser(await chromium.launch({ executablePath, args: flags, headless: true, timeout: 30_000 }));
  }

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** A new page in a profile of its own. */
  async newPage(options: PageOptions = {}): Promise<WatchedPage> {
    const context = await this.#browser.newContext({
      viewport: { width: options.width ?? 1280, height: options.height ?? 900 },
      colorScheme: options.colorScheme ?? "light",
      isMobile: options.isPhone ?? false,
      hasTouch: options.isPhone ?? false,
      deviceScaleFactor: options.isPhone ? 2 : 1,
    });
    this.#contexts.push(context);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
    return { page, complaints };
  }

  /** Closes pages, then the browser; a browser that does not answer is left to Playwright, which kills its process. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#contexts.map((context) => context.close()));
    await this.#browser.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
