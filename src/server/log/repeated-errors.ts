/**
 * Errors that come in floods: every one is counted, the first of a code is logged at once, and after it at most one line a
 * second per code says how many there were.
 *
 * No clock and no timer of its own: `handle` and `poll` are told the time, and `nextTimeout` says when to poll.
 */

/** One line to be logged. */
export interface RepeatedError {
  readonly code: string;
  /** The newest message of that code. */
  readonly message: string;
  /** How many errors this line stands for. */
  readonly count: number;
  /** What was given with the newest one: stream, session, address. */
  readonly fields: Readonly<Record<string, unknown>>;
}

interface Entry {
  total: number;
  pending: number;
  lastLineMs: number;
  message: string;
  fields: Readonly<Record<string, unknown>>;
}

export class RepeatedErrors {
  readonly #log: (error: RepeatedError) => void;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting = new Set<string>();

  constructor(log: (error: RepeatedError) => void) {
    this.#log = log;
  }

  /**
   * Counts an error and logs it, unless a line of its code was logged less than a second before.
   *
   * @param count - errors that it stands for: another thread has put several together
   */
  handle(
    error: Pick<RepeatedError, "code" | "message">,
    fields: Readonly<Record<string, unknown>>,
    nowMs: number,
    count = 1,
  ): void {
    const [code, entry] = this.#entryOf(error.code, nowMs);
    entry.total += count;
    entry.pending += count;
    entry.message = error.message;
    entry.fields = fields;
    if (nowMs - entry.lastLineMs >= intervalMs) this.#write(code, entry, nowMs);
    else this.#waiting.add(code);
  }

  /** Logs what has waited for its second to pass. */
  poll(nowMs: number): void {
    for (const code of this.#waiting) {
      const entry = this.#entries.get(code)!;
      if (nowMs - entry.lastLineMs >= intervalMs) this.#write(code, entry, nowMs);
    }
  }

  /** When to poll next, on the clock that `handle` is told; undefined when nothing waits. */
  nextTimeout(): number | undefined {
    let earliest: number | undefined;
    for (const code of this.#waiting) {
      const dueMs = this.#entries.get(code)!.lastLineMs + intervalMs;
      if (earliest === undefined || dueMs < earliest) earliest = dueMs;
    }
    return earliest;
  }

  /** Logs what waits, whatever the time: for the end of the process. */
  flush(nowMs: number): void {
    for (const code of this.#waiting) this.#write(code, this.#entries.get(code)!, nowMs);
  }

  /** How many errors there were since the start, by code. */
  *totals(): IterableIterator<readonly [code: string, total: number]> {
    for (const [code, { total }] of this.#entries) yield [code, total];
  }

  #entryOf(code: string, nowMs: number): readonly [code: string, entry: Entry] {
    const known = this.#entries.get(code);
    if (known !== undefined) return [code, known];
    if (this.#entries.size >= maxCodes && code !== otherCodes) return this.#entryOf(otherCodes, nowMs);
    const entry: Entry = { total: 0, pending: 0, lastLineMs: Number.NEGATIVE_INFINITY, message: "", fields: {} };
    this.#entries.set(code, entry);
    return [code, entry];
  }

  #write(code: string, entry: Entry, nowMs: number): void {
    const { pending: count, message, fields } = entry;
    entry.pending = 0;
    entry.lastLineMs = nowMs;
    entry.fields = {};
    this.#waiting.delete(code);
    this.#log({ code, message, count, fields });
  }
}

const intervalMs = 1000;

/** Our tables have fewer than two hundred codes. Should a peer ever be able to invent one, memory stays bounded. */
const maxCodes = 512;

/** Where codes beyond that are counted. */
const otherCodes = "ERR_OTHER";
