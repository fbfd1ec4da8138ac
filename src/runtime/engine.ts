/** The engine as people embed it: the kernel's, with this process's clock and a timer that ends with it. */

import { Engine as KernelEngine, type EngineOptions as KernelEngineOptions } from "../kernel/engine.ts";
import { systemClock } from "./clock.ts";

/** All of it is optional: limits, time-outs and injected services. */
export type EngineOptions = Partial<KernelEngineOptions>;

export class Engine extends KernelEngine {
  readonly #timer: NodeJS.Timeout;

  constructor(options: EngineOptions = {}) {
    super({ clock: systemClock, ...options });
    // Unreferenced: an idle engine does not keep the process alive.
    this.#timer = setInterval(() => this.tick(), tickIntervalMs).unref();
  }

  override async shutdown(reason?: string): Promise<void> {
    clearInterval(this.#timer);
    await super.shutdown(reason);
  }
}

/**
 * Starts the engine's protocols and waits for SIGINT or SIGTERM, then shuts down in order: no new sessions, publishers and
 * subscribers told, what is on its way sent.
 */
export async function serveUntilSignal(engine: KernelEngine): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  const signals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM"];
  for (const signal of signals) process.once(signal, resolve);
  // Keeps the process alive when no protocol holds a socket.
  const alive = setInterval(() => {}, 2 ** 30);
  try {
    await engine.start();
    const signal = await promise;
    await engine.shutdown(`the server received ${signal}`);
    return signal;
  } finally {
    clearInterval(alive);
    // Also when a protocol does not start: the next signal is then again what ends the process.
    for (const signal of signals) process.removeListener(signal, resolve);
  }
}

const tickIntervalMs = 500; // twice as often as the QoS window closes
