/**
 * Every interleaving of one writer and one reader, on the real code, for small rings.
 *
 * The writer's steps are claim, first half, second half, commit. They may fall between any two loads of the reader's shared
 * words, and between the two halves of its copying: {@link SteppedReader} asks the schedule at each of these points how many
 * steps the writer takes there. Small programs are walked completely; longer ones with at most `maxSwitches` points at which
 * the writer runs (how many steps it takes at each is not bounded). Points inside claim(), commit() and growth are reached
 * from the other side: a whole reader, or half of one, runs inside the writer's own atomic stores.
 */

import { afterEach, describe, expect, test } from "vitest";
import { type Choose, walkSchedules } from "../../test/support/schedules.ts";
import { CursorTable, cursorSteps, defaultLagLimits } from "./cursor-table.ts";
import { type EntrySpec, fixedRing, fixedTable, type Program, programs } from "./egress-log.cases.ts";
import { EgressLog, type EgressLogOptions } from "./egress-log.ts";
import { entryFlags, logWords } from "./log-layout.ts";
import type { LogMemory } from "./log-memory.ts";
import { type GatheredEntries, LogReader } from "./log-reader.ts";

const { key, preamble } = entryFlags;

describe("every interleaving", () => {
  let total = 0;

  test.each(programs)("$name", (program) => {
    const count = walkSchedules(2_000_000, (choose) => runSchedule(program, choose));
    total += count;
    expect(count).toBeGreaterThan(program.minScheduleCount);
  });

  test("there were more than half a million of them", () => {
    expect(total).toBeGreaterThan(500_000);
  });
});

describe("the model test finds", () => {
  const lapping = programs.filter(({ options }) => options === fixedRing || options === fixedTable);

  test.each<[string, Partial<Parts>]>([
    ["a reader that does not check after use", { Reader: CarelessReader() }],
    ["a reader that forgets the entry table", { Reader: TableBlindReader() }],
    ["a writer that announces bytes before they are there", { Log: HastyLog() }],
    ["a writer that overwrites without saying so first", { Log: SilentLog() }],
  ])("%s", (_name, parts) => {
    const findings: unknown[] = [];
    for (const program of lapping) {
      try {
        walkSchedules(2_000_000, (choose) => runSchedule(program, choose, parts));
      } catch (error) {
        findings.push(error);
        break;
      }
    }
    expect(findings).toHaveLength(1);
    expect(findings[0]).toBeInstanceOf(ModelViolation);
  });
});

describe("a reader inside the writer's own stores", () => {
  const store = Atomics.store;

  afterEach(() => {
    Atomics.store = store;
  });

  /** Runs the writer alone and calls `at` before and after each of its atomic stores, with the number of that point. */
  function probe(program: Program, at: (point: number, log: EgressLog) => void): number {
    let point = 0;
    const log = new EgressLog(program.options);
    const writer = new SteppedWriter(log, program.entries);
    Atomics.store = ((array: BigInt64Array<SharedArrayBuffer>, index: number, value: bigint) => {
      at(point++, log);
      const stored = store(array, index, value);
      at(point++, log);
      return stored;
    }) as typeof Atomics.store;
    try {
      while (writer.step());
    } finally {
      Atomics.store = store;
    }
    return point;
  }

  test.each(programs)("sees whole entries at every point: $name", (program) => {
    const points = probe(program, (_point, log) => {
      const read = beginRead(new LogReader(log.memory));
      if (read !== undefined) finishRead(read, program.entries);
    });
    expect(points).toBeGreaterThanOrEqual(program.entries.length * 4); // before and after each of two stores
  });

  test.each(programs)("finds out what became of its bytes at every later point: $name", (program) => {
    const points = probe(program, () => {});
    for (let begin = 0; begin < points; begin++) {
      const reads: HalfRead[] = [];
      probe(program, (point, log) => {
        if (point === begin) {
          const read = beginRead(new LogReader(log.memory));
          if (read !== undefined) reads.push(read);
        } else {
          for (const read of reads) finishRead(read, program.entries);
        }
      });
    }
  });
});

/** What a mutant may replace. */
interface Parts {
  readonly Log: new (options: EgressLogOptions) => EgressLog;
  readonly Reader: new (memory: LogMemory, pause: () => void) => SteppedReader;
}

class ModelViolation extends Error {}

/** Lets the writer take steps before each load of a shared word. */
class SteppedReader extends LogReader {
  readonly #pause: () => void;

  constructor(memory: LogMemory, pause: () => void) {
    super(memory);
    this.#pause = pause;
  }

  protected override load(word: number): number {
    this.#pause();
    return super.load(word);
  }

  override positionOf(entry: number): number {
    this.#pause();
    return super.positionOf(entry);
  }

  override lengthOf(entry: number): number {
    this.#pause();
    return super.lengthOf(entry);
  }

  override flagsOf(entry: number): number {
    this.#pause();
    return super.flagsOf(entry);
  }
}

class SteppedWriter {
  readonly #log: EgressLog;
  readonly #entries: readonly EntrySpec[];
  #stepCount = 0;

  constructor(log: EgressLog, entries: readonly EntrySpec[]) {
    this.#log = log;
    this.#entries = entries;
  }

  get stepsLeft(): number {
    return this.#entries.length * 4 - this.#stepCount;
  }

  /** Takes one step; false when there is none left. */
  step(): boolean {
    if (this.stepsLeft === 0) return false;
    const number = this.#stepCount >> 2;
    const { length, flags } = this.#entries[number] as EntrySpec;
    const half = length >> 1;
    switch (this.#stepCount++ & 3) {
      case 0:
        this.#log.claim(length, flags, number * 40);
        break;
      case 1:
        this.#log.write(bytesOf(number, length), 0, half);
        break;
      case 2:
        this.#log.write(bytesOf(number, length), half, length);
        break;
      default:
        this.#log.commit();
    }
    return true;
  }
}

/** One schedule: the reader works its rounds, the writer steps in where the schedule says, then both come to an end. */
function runSchedule(program: Program, choose: Choose, parts: Partial<Parts> = {}): void {
  const { entries, rounds, isLossless } = program;
  const log = new (parts.Log ?? EgressLog)(program.options);
  const writer = new SteppedWriter(log, entries);
  for (let step = 0; step < program.headStart; step++) writer.step();

  let switchesLeft = program.maxSwitches ?? Number.POSITIVE_INFINITY;
  const pause = (): void => {
    if (writer.stepsLeft === 0 || switchesLeft === 0) return;
    const steps = choose(writer.stepsLeft + 1);
    if (steps > 0) switchesLeft--;
    for (let step = 0; step < steps; step++) writer.step();
  };

  const reader = new (parts.Reader ?? SteppedReader)(log.memory, pause);
  const player = new Player(reader, log, entries);
  for (let round = 0; round < rounds; round++) player.look(pause);
  switchesLeft = 0;
  while (writer.step());
  while (player.look(() => {}));
  player.checkEnd(isLossless === true);
}

/** A subscriber by the book: cursor table, gather, copy, and the check after use. */
class Player {
  readonly #reader: LogReader;
  readonly #log: EgressLog;
  readonly #entries: readonly EntrySpec[];
  readonly #table = new CursorTable(1);
  #cursor: number;
  /** The entry that must come next; -1 when the cursor was told that it starts somewhere. */
  #expected = -1;
  #lostCount = 0;

  constructor(reader: LogReader, log: EgressLog, entries: readonly EntrySpec[]) {
    this.#reader = reader;
    this.#log = log;
    this.#entries = entries;
    reader.refresh();
    this.#cursor = this.#table.open(reader, false, 0);
  }

  /** One round; false when there was nothing to do. */
  look(pause: () => void): boolean {
    const reader = this.#reader;
    const table = this.#table;
    if (reader.isSuperseded()) reader.memory = this.#log.memory;
    reader.refresh();
    const step = table.step(this.#cursor, reader, patient, 0);
    if (step === cursorSteps.evicted) throw new ModelViolation("a cursor with endless patience was evicted");
    if (step === cursorSteps.jumped) {
      this.#lostCount++;
      this.#expected = -1;
      return true;
    }
    if (step === cursorSteps.idle) return false;
    const from = table.entries[this.#cursor] as number;
    const position = table.positions[this.#cursor] as number;
    const isStarting = table.isStarting(this.#cursor);
    const gathered = reader.gather(from, isStarting, 1_000);
    const copied = copyFirstHalf(gathered);
    pause();
    copySecondHalf(gathered, copied);
    if (!reader.isIntact(from, position)) {
      // On a socket that is the end of the connection; this reader comes again as another.
      this.#lostCount++;
      this.#expected = -1;
      table.close(this.#cursor);
      reader.refresh();
      this.#cursor = table.open(reader, false, 0);
      return true;
    }
    if (this.#expected >= 0 && this.#expected !== from) fail(`entry ${from} came where ${this.#expected} was due`);
    if (position !== positionOf(this.#entries, from)) fail(`entry ${from} is not at ${position}`);
    if (isStarting !== this.#expected < 0) fail(`a start at entry ${from} that nobody was told of`);
    checkDelivery(this.#entries, from, isStarting, gathered, copied);
    table.advance(this.#cursor, gathered.endEntry, gathered.endPosition, gathered.byteLength, 0);
    this.#expected = gathered.endEntry;
    return true;
  }

  checkEnd(isLossless: boolean): void {
    const hasRandomAccess = this.#entries.some(({ flags }) => flags !== 0);
    if (this.#expected >= 0 && this.#expected !== this.#entries.length) fail(`stopped at entry ${this.#expected}`);
    if (isLossless && this.#lostCount > 0) fail("something was lost although the ring grew");
    if (isLossless && hasRandomAccess && this.#expected !== this.#entries.length) fail("not everything came");
  }
}

/** Bytes that a reader holds but has not checked yet. */
interface HalfRead {
  readonly reader: LogReader;
  readonly from: number;
  readonly position: number;
  readonly gathered: GatheredEntries;
  readonly copied: Uint8Array;
}

function beginRead(reader: LogReader): HalfRead | undefined {
  reader.refresh();
  const from = reader.randomAccessEntry();
  if (from < 0) return undefined;
  const position = reader.positionOf(from);
  const gathered = reader.gather(from, true, 1_000);
  return { reader, from, position, gathered, copied: copyFirstHalf(gathered) };
}

function finishRead(read: HalfRead, entries: readonly EntrySpec[]): void {
  const { reader, from, position, gathered, copied } = read;
  copySecondHalf(gathered, copied);
  if (reader.isIntact(from, position)) checkDelivery(entries, from, true, gathered, copied);
}

/** The bytes are those of the entries, whole and in order; a start is where decoding may start. */
function checkDelivery(
  entries: readonly EntrySpec[],
  from: number,
  isStarting: boolean,
  gathered: GatheredEntries,
  copied: Uint8Array,
): void {
  const flagsOf = (number: number): number => (entries[number] as EntrySpec).flags;
  if (isStarting && (flagsOf(from) & (key | preamble)) === 0)
    fail(`started at entry ${from}, which is no random access point`);
  if (isStarting && from > 0 && (flagsOf(from) & key) !== 0 && (flagsOf(from - 1) & preamble) !== 0) {
    fail(`started at entry ${from}, without its preamble`);
  }
  let at = 0;
  for (let number = from; number < gathered.endEntry; number++) {
    if ((flagsOf(number) & preamble) !== 0 && !(isStarting && number === from)) continue;
    const { length } = entries[number] as EntrySpec;
    for (let i = 0; i < length; i++, at++) {
      if (copied[at] !== byteAt(number, i))
        fail(`byte ${at} of the delivery from entry ${from} is not what was written`);
    }
  }
  if (at !== gathered.byteLength || at !== copied.length)
    fail(`${copied.length} bytes were delivered, ${at} were written`);
  if (gathered.endPosition !== positionOf(entries, gathered.endEntry)) {
    fail(`entry ${gathered.endEntry} is not at position ${gathered.endPosition}`);
  }
}

/** The first half of every view, copied; the second is left for later. */
function copyFirstHalf({ views }: GatheredEntries): Uint8Array {
  const copied = new Uint8Array(views.reduce((sum, view) => sum + view.length, 0));
  let at = 0;
  for (const view of views) {
    copied.set(view.subarray(0, view.length >> 1), at);
    at += view.length;
  }
  return copied;
}

function copySecondHalf({ views }: GatheredEntries, copied: Uint8Array): void {
  let at = 0;
  for (const view of views) {
    copied.set(view.subarray(view.length >> 1), at + (view.length >> 1));
    at += view.length;
  }
}

function bytesOf(number: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = byteAt(number, i);
  return bytes;
}

/** Different for every byte of every entry of a program. */
function byteAt(number: number, i: number): number {
  return (number + 1) * 16 + i;
}

function positionOf(entries: readonly EntrySpec[], number: number): number {
  let position = 0;
  for (let i = 0; i < number; i++) position += (entries[i] as EntrySpec).length;
  return position;
}

function fail(message: string): never {
  throw new ModelViolation(message);
}

const patient = { ...defaultLagLimits, maxJumps: 1_000, maxSkippedBytes: Number.POSITIVE_INFINITY };

function CarelessReader(): Parts["Reader"] {
  return class extends SteppedReader {
    override isIntact(): boolean {
      return true;
    }
  };
}

function TableBlindReader(): Parts["Reader"] {
  return class extends SteppedReader {
    override isIntact(_entry: number, position: number): boolean {
      return position >= this.load(logWords.tailIntent) - this.memory.capacity;
    }
  };
}

function HastyLog(): Parts["Log"] {
  return class extends EgressLog {
    override claim(length: number, flags: number, timeMs: number): void {
      super.claim(length, flags, timeMs);
      Atomics.store(this.memory.words, logWords.entryTail, BigInt(this.entryTail + 1));
    }
  };
}

function SilentLog(): Parts["Log"] {
  return class extends EgressLog {
    override claim(length: number, flags: number, timeMs: number): void {
      super.claim(length, flags, timeMs);
      Atomics.store(this.memory.words, logWords.tailIntent, BigInt(this.tail));
    }
    override commit(): void {
      super.commit();
      Atomics.store(this.memory.words, logWords.tailIntent, BigInt(this.tail));
    }
  };
}
