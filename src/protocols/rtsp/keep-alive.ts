/**
 * When a client shows that it is still there, how, and when it takes the server for dead: RFC 2326 §12.37, §10.8.
 *
 * GET_PARAMETER where the server says that it knows it, else OPTIONS, and the other one as soon as the first is refused: there are
 * cameras that list what they do not know, and servers for which OPTIONS does not count. Any byte is as good as the answer.
 */

import { minKeepAliveMs, sessionTimeoutMs } from "./limits.ts";

export class KeepAlive {
  #intervalMs = sessionTimeoutMs / 2;
  #method: "GET_PARAMETER" | "OPTIONS" = "OPTIONS";
  #nextAt: number | undefined;
  #sentAt: number | undefined;
  #lastReceivedAt = 0;

  get method(): "GET_PARAMETER" | "OPTIONS" {
    return this.#method;
  }

  get deadline(): number | undefined {
    return this.#nextAt;
  }

  /** Public of the answer to OPTIONS. */
  handlePublic(methods: string): void {
    this.#method = /\bGET_PARAMETER\b/i.test(methods) ? "GET_PARAMETER" : "OPTIONS";
  }

  /** `timeout` of the Session header: half of it, within bounds. */
  handleSessionTimeout(timeoutMs: number): void {
    this.#intervalMs = Math.min(Math.max(timeoutMs / 2, minKeepAliveMs), sessionTimeoutMs / 2);
  }

  /** A keep-alive was answered by an error. */
  handleRefused(): void {
    this.#method = this.#method === "OPTIONS" ? "GET_PARAMETER" : "OPTIONS";
  }

  handleReceived(now: number): void {
    this.#lastReceivedAt = now;
  }

  start(now: number): void {
    this.#lastReceivedAt = now;
    this.#sentAt = undefined;
    this.#nextAt = now + this.#intervalMs;
  }

  /** What to do now. */
  handleTimeout(now: number): "send" | "dead" | undefined {
    if (this.#nextAt === undefined || now < this.#nextAt) return undefined;
    if (this.#sentAt !== undefined && this.#lastReceivedAt < this.#sentAt) return "dead";
    this.#sentAt = now;
    this.#nextAt = now + this.#intervalMs;
    return "send";
  }
}
