/** What a session has to send, until the driver takes it in one piece. */

export class OutputQueue {
  #pieces: Uint8Array[] = [];
  #length = 0;

  /** Keeps `bytes`, which are not to be changed after it. */
  push(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  poll(): Uint8Array | undefined {
    const pieces = this.#pieces;
    if (pieces.length === 0) return undefined;
    const joined = pieces.length === 1 ? (pieces[0] as Uint8Array) : new Uint8Array(this.#length);
    if (pieces.length > 1) {
      let at = 0;
      for (const piece of pieces) {
        joined.set(piece, at);
        at += piece.length;
      }
    }
    this.#pieces = [];
    this.#length = 0;
    return joined;
  }
}
