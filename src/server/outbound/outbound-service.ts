/** The connections that one shard begins, because the controller told it to: pulls of streams, and forwards. */

import type { EgressProtocol } from "../../kernel/services.ts";
import { RtspPush } from "../forwards/rtsp-push.ts";
import { OpenSet } from "../open-set.ts";
import { RtspPull } from "../sources/rtsp-pull.ts";
import type { OutboundOrder, OutboundReport } from "./calls.ts";
import { tickIntervalMs } from "./limits.ts";
import type { OutboundContext, OutboundTry } from "./outbound-try.ts";

export interface OutboundServiceOptions extends Omit<OutboundContext, "ended"> {
  readonly shutdownTimeoutMs: number;
}

export class OutboundService implements EgressProtocol {
  readonly name = "outbound";
  readonly #context: OutboundContext;
  readonly #shutdownTimeoutMs: number;
  readonly #tries = new OpenSet<OutboundTry>();
  readonly #byId = new Map<number, OutboundTry>();
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor({ shutdownTimeoutMs, ...options }: OutboundServiceOptions) {
    this.#shutdownTimeoutMs = shutdownTimeoutMs;
    this.#context = {
      ...options,
      ended: (ended, event) => {
        this.#tries.delete(ended);
        this.#byId.delete(event.tryId);
        options.tell(event);
      },
    };
  }

  start(): void {
    this.#timer = setInterval(() => {
      const nowMs = this.#context.nowMs();
      for (const each of this.#tries) this.#handleTime(each, nowMs);
    }, tickIntervalMs);
  }

  open(order: OutboundOrder): void {
    if (this.#isStopping) return;
    const begun = order.kind === "pull" ? new RtspPull(order, this.#context) : new RtspPush(order, this.#context);
    this.#tries.add(begun);
    this.#byId.set(order.tryId, begun);
  }

  close(tryId: number, reason: string): void {
    this.#byId.get(tryId)?.close(reason);
  }

  report(): readonly OutboundReport[] {
    return Array.from(this.#tries, (each) => each.report);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const each of [...this.#tries]) this.#contained(() => each.close("the server is shutting down"));
    await this.#tries.drained(this.#shutdownTimeoutMs);
    clearInterval(this.#timer);
  }

  /** A mistake of ours costs that try, and not once in a tick. */
  #handleTime(each: OutboundTry, nowMs: number): void {
    try {
      each.handleTime(nowMs);
    } catch (error) {
      this.#context.onFailure(error);
      this.#contained(() => each.close("a mistake of ours"));
    }
  }

  #contained(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#context.onFailure(error);
    }
  }
}
