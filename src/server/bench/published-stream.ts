/** One publisher beside the players: the synthetic stream, in real time. */

import { setTimeout as sleep } from "node:timers/promises";
import { LocalAddresses } from "./local-addresses.ts";
import { check } from "./media-verdict.ts";
import { Publishers } from "./publishers.ts";
import { publishingTo } from "./publishing-to.ts";
import type { Check } from "./report.ts";
import type { BenchRun } from "./run.ts";

export interface PublishedStream {
  /** Whether it is still accepted. */
  verdict(): Check;
  stop(): void;
}

/** Resolves when it is accepted and has begun, or was refused; `verdict` says which. */
export async function publishStream(run: BenchRun, url: string): Promise<PublishedStream> {
  const { transport, host, options } = run;
  const { port, protocol } = publishingTo(url, options.bitRate);
  const publishers = new Publishers({
    ...{ transport, host, port, localAddresses: new LocalAddresses(host), protocol, publisherCount: 1 },
  });
  publishers.open(url);
  while (publishers.publishingCount === 0 && publishers.failures.total === 0) {
    publishers.sweep();
    await sleep(10);
  }
  await sleep(headStartMs);
  return {
    verdict: () => {
      const [reason] = publishers.failures.reasons;
      const said = reason === undefined ? "" : `: ${reason.message} (${reason.code})`;
      const isPublishing = publishers.publishingCount === 1;
      return check("publisher", isPublishing, isPublishing ? "accepted, and there to the end" : `not there${said}`);
    },
    stop: () => publishers.stop(),
  };
}

/** Some pictures are there when the first player comes. */
const headStartMs = 300;
