/** Values that are fine alone and make no sense together. */

import { ERR_CONFIG_CONTRADICTION } from "./errors.ts";
import { formatOrigin, type Origin } from "./origin.ts";
import type { ProblemList } from "./problem.ts";
import type { Config } from "./schema.ts";

/**
 * Adds a problem per contradiction. `originOf` tells where an option's effective value came from, and undefined for one
 * whose value was refused: what it would contradict is not known.
 */
export function findContradictions(
  config: Config,
  originOf: (key: string) => Origin | undefined,
  problems: ProblemList,
): void {
  const add = (keys: readonly string[], sentence: string): void => {
    const origins = keys.map(originOf);
    if (origins.includes(undefined)) return;
    // The place is where somebody wrote something; a default is not to blame.
    const written = origins.find((origin) => origin?.kind !== "built-in");
    problems.add(ERR_CONFIG_CONTRADICTION, written === undefined ? "" : formatOrigin(written), sentence);
  };

  const { rtmp, rtsp, http, streaming, access } = config;
  if (!rtmp.enabled && !rtsp.enabled && !http.enabled) {
    add(
      ["rtmp.enabled", "rtsp.enabled", "http.enabled"],
      "rtmp.enabled, rtsp.enabled and http.enabled are all false: there is nothing to serve",
    );
  }
  for (const [section, { tls }, name] of [
    ["rtmp", rtmp, "RTMPS"],
    ["rtsp", rtsp, "RTSPS"],
  ] as const) {
    if (tls?.certificatePath !== "" && tls?.keyPath !== "") continue;
    const [certificate, key] = [`${section}.tls.certificate`, `${section}.tls.key`];
    const [given, missing] = tls.keyPath === "" ? [certificate, key] : [key, certificate];
    add([given, missing], `${given} is given without ${missing}: ${name} needs both, or neither to stay off`);
  }
  const { udp, multicast } = rtsp;
  for (const [key, port, isUsed] of [
    ["rtsp.udp_port", udp.port, udp.enabled && udp.ports === undefined],
    ["rtsp.multicast_port", multicast.port, multicast.enabled],
  ] as const) {
    // RFC 3550 §11; some clients take the even one of the two for RTP, whatever they are told.
    if (isUsed && port % 2 !== 0)
      add([key], `${key} is ${port}, which is odd: RTP has the even port, RTCP the next one`);
  }
  if (udp.enabled && udp.ports !== undefined && pairCount(udp.ports) === 0) {
    add(["rtsp.udp_ports"], "rtsp.udp_ports has no even port with an odd one behind it: RTP and RTCP need two");
  }
  for (const rule of ["publish", "play"] as const) {
    if (access[rule] === "token" && access[`${rule}Token`] === "") {
      const [key, token] = [`access.${rule}`, `access.${rule}_token`];
      add([key, token], `${key} is "token" and ${token} is empty: nobody could ${rule}`);
    }
  }
  if (streaming.maxRingBytes > streaming.memoryLimitBytes) {
    add(
      ["streaming.max_ring", "streaming.memory_limit"],
      "streaming.max_ring is larger than streaming.memory_limit: one stream could take more than all may",
    );
  }

  const listeners: { key: string; host: string; port: number }[] = [];
  for (const [section, { enabled, host, port, tls }] of [
    ["rtmp", rtmp],
    ["rtsp", rtsp],
  ] as const) {
    if (!enabled) continue;
    listeners.push({ key: `${section}.port`, host, port });
    if (tls !== undefined) listeners.push({ key: `${section}.tls.port`, host, port: tls.port });
  }
  if (http.enabled) listeners.push({ key: "http.port", host: http.host, port: http.port });
  for (const [index, one] of listeners.entries()) {
    for (const other of listeners.slice(index + 1)) {
      if (one.port !== other.port || one.port === 0 || !overlap(one.host, other.host)) continue;
      add([other.key, one.key], `${one.key} and ${other.key} are both ${one.port}: give one of them another port`);
    }
  }
}

/** Even ports with the odd one behind them. */
function pairCount({ first, last }: { readonly first: number; readonly last: number }): number {
  return Math.floor((last + 1) / 2) - Math.ceil(first / 2);
}

/** Whether two listening addresses can meet. Names are not resolved: the system has the last word when it binds. */
function overlap(a: string, b: string): boolean {
  const isAny = (host: string): boolean => host === "" || host === "0.0.0.0" || host === "::";
  return isAny(a) || isAny(b) || a.toLowerCase() === b.toLowerCase();
}
