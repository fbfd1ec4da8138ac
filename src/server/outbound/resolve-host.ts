/** The addresses of a host, looked up anew for each try: a camera behind a dynamic address is where its name is now. */

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { CodedError } from "../../bytes/coded-error.ts";
import { ERR_RESOLVE } from "./errors.ts";
import { maxAddresses, resolveTimeoutMs } from "./limits.ts";

/** At least one. @throws `ERR_RESOLVE` */
export async function resolveHost(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  const abort = new AbortController();
  try {
    const found = await Promise.race([
      lookup(host, { all: true, verbatim: true }),
      delay(resolveTimeoutMs, undefined, { signal: abort.signal, ref: false }),
    ]);
    if (found === undefined)
      throw new CodedError(ERR_RESOLVE, `${host} was not resolved within ${resolveTimeoutMs} ms`);
    return found.slice(0, maxAddresses).map(({ address }) => address);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const { code = "an unknown error" } = error as NodeJS.ErrnoException;
    throw new CodedError(ERR_RESOLVE, `${host} could not be resolved: ${code}`);
  } finally {
    abort.abort();
  }
}
