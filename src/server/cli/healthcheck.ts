/** `millrace healthcheck`: asks the server on this machine whether it is ready. For containers without curl. */

import { get } from "node:http";
import type { Config } from "../config/schema.ts";

export interface Health {
  readonly isReady: boolean;
  /** What was asked and answered, in a sentence. */
  readonly sentence: string;
}

/** GET `/readyz` on the configured port. Never throws; a server that does not answer is not ready. */
export async function checkHealth({ enabled, host, port }: Config["http"]): Promise<Health> {
  if (!enabled) return { isReady: false, sentence: "http.enabled is false: there is no address to ask" };
  if (port === 0)
    return { isReady: false, sentence: "http.port is 0, a free port that only the server knows: set one" };
  const address = listensEverywhere.has(host) ? "127.0.0.1" : host;
  const url = `http://${address.includes(":") ? `[${address}]` : address}:${port}/readyz`;
  try {
    const status = await statusOf(url);
    return { isReady: status === 200, sentence: `${url} answered ${status}` };
  } catch (error) {
    return { isReady: false, sentence: `${url} did not answer: ${error instanceof Error ? error.message : error}` };
  }
}

function statusOf(url: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const signal = AbortSignal.timeout(timeoutMs);
  const request = get(url, { agent: false, signal }, (response) => {
    resolve(response.statusCode ?? 0);
    // The status is all that is wanted, however long the body is.
    response.destroy();
  });
  request.on("error", (error) => {
    reject(signal.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error);
  });
  return promise;
}

/** Below the 5 s that container runtimes and load balancers commonly wait for a check. */
const timeoutMs = 3000;

const listensEverywhere: ReadonlySet<string> = new Set(["", "0.0.0.0", "::"]);
