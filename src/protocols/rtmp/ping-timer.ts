/** When to ask a silent peer whether it is still there (Ping Request, RTMP 1.0 §7.1.7), and when to stop waiting. */
export class PingTimer {
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  #lastReceivedAt: number;
  #sentAt: number | undefined;

  /** `intervalMs` 0: never asks. */
  constructor(intervalMs: number, timeoutMs: number, now: number) {
    this.#intervalMs = intervalMs;
    this.#timeoutMs = timeoutMs;
    this.#lastReceivedAt = now;
  }

  get deadline(): number | undefined {
    if (this.#intervalMs === 0) return undefined;
    return this.#sentAt === undefined ? this.#lastReceivedAt + this.#intervalMs : this.#sentAt + this.#timeoutMs;
  }

  /** Any byte is as good as the answer. */
  handleReceived(now: number): void {
    this.#lastReceivedAt = now;
    this.#sentAt = undefined;
  }

  /** What to do now. */
  handleTimeout(now: number): "send" | "dead" | undefined {
    const { deadline } = this;
    if (deadline === undefined || now < deadline) return undefined;
    if (this.#sentAt !== undefined) return "dead";
    this.#sentAt = now;
    return "send";
  }
}
