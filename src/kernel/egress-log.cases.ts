/** Small programs for the model test of the log: what a writer appends, and how often a reader looks in the meantime. */

import type { EgressLogOptions } from "./egress-log.ts";
import { entryFlags } from "./log-layout.ts";

const { key, preamble } = entryFlags;

export interface EntrySpec {
  readonly length: number;
  readonly flags: number;
}

export interface Program {
  readonly name: string;
  readonly options: EgressLogOptions;
  readonly entries: readonly EntrySpec[];
  /** Writer steps taken before the reader begins. */
  readonly headStart: number;
  /** How often the reader looks, gathers, copies and checks while the writer is at work. */
  readonly rounds: number;
  /** Points at which the writer may run; all of them when it is missing. */
  readonly maxSwitches?: number;
  /** Nothing may be lost, because the ring grows in time. */
  readonly isLossless?: boolean;
  /** A little less than there were when this was written: a fall means that points were lost. */
  readonly minScheduleCount: number;
}

export const fixedRing: EgressLogOptions = { initialBytes: 16, initialEntries: 8, maxBytes: 16 };
export const fixedTable: EgressLogOptions = { initialBytes: 64, initialEntries: 4, maxBytes: 64 };
const growing: EgressLogOptions = { initialBytes: 16, initialEntries: 4, maxBytes: 1024 };

export const programs: readonly Program[] = [
  {
    name: "an entry into an empty ring, completely",
    options: fixedRing,
    entries: [entry(4, key)],
    headStart: 0,
    rounds: 1,
    minScheduleCount: 2_000,
  },
  {
    name: "an entry into a full ring, completely",
    options: fixedRing,
    entries: [entry(6, key), entry(6), entry(5), entry(6, key)],
    headStart: 12,
    rounds: 1,
    minScheduleCount: 3_000,
  },
  {
    name: "a reader that goes round twice and is lapped by bytes",
    options: fixedRing,
    entries: [entry(3, key), entry(4), entry(5), entry(2, key), entry(6), entry(5, key), entry(4)],
    headStart: 8,
    rounds: 2,
    maxSwitches: 2,
    minScheduleCount: 120_000,
  },
  {
    name: "a reader that is lapped by entries, not by bytes",
    options: fixedTable,
    entries: [entry(2, key), entry(1), entry(3), entry(2, key), entry(1), entry(2), entry(3, key), entry(1)],
    headStart: 12,
    rounds: 2,
    maxSwitches: 2,
    minScheduleCount: 150_000,
  },
  {
    name: "preambles, which belong to those who start there",
    options: { initialBytes: 32, initialEntries: 8, maxBytes: 32 },
    entries: [
      entry(3, preamble),
      entry(4, key),
      entry(3),
      entry(3, preamble),
      entry(5, key),
      entry(4),
      entry(3, preamble),
      entry(4, key),
    ],
    headStart: 12,
    rounds: 2,
    maxSwitches: 2,
    minScheduleCount: 140_000,
  },
  {
    name: "growth of ring and table, with a reader that is never lapped",
    options: growing,
    entries: [entry(5, key), entry(4), entry(6), entry(3), entry(7), entry(9)],
    headStart: 4,
    rounds: 2,
    maxSwitches: 2,
    isLossless: true,
    minScheduleCount: 110_000,
  },
  {
    name: "growth after a lap by bytes: what was lost before stays lost",
    options: growing,
    entries: [entry(6, key), entry(6, key), entry(6, key), entry(5), entry(6), entry(9), entry(8)],
    headStart: 4,
    rounds: 2,
    maxSwitches: 2,
    minScheduleCount: 150_000,
  },
  {
    name: "growth after a lap by entries: what was lost before stays lost",
    options: growing,
    entries: [
      entry(1, key),
      entry(1, key),
      entry(1, key),
      entry(1, key),
      entry(1, key),
      entry(1),
      entry(1),
      entry(1),
      entry(12),
    ],
    headStart: 8,
    rounds: 2,
    maxSwitches: 2,
    minScheduleCount: 220_000,
  },
];

function entry(length: number, flags = 0): EntrySpec {
  return { length, flags };
}
