/** How long to wait before the next attempt: doubling, with a spread so that a thousand viewers do not return as one. */

const firstMs = 300;
const mostMs = 10_000;
const spread = 0.2;

export class Backoff {
  #attempts = 0;

  nextMs(): number {
    const baseMs = Math.min(mostMs, firstMs * 2 ** this.#attempts);
    this.#attempts += 1;
    return baseMs * (1 - spread + 2 * spread * Math.random());
  }

  reset(): void {
    this.#attempts = 0;
  }
}
