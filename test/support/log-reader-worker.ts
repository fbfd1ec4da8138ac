/**
 * One reader thread of the log stress test: a cursor by the book on each log it is told of. What is intact by the check after
 * use is taken apart: entries whole, checksums right, each once and in order.
 */

import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { CursorTable, cursorSteps, defaultLagLimits } from "../../src/kernel/cursor-table.ts";
import { openLogMemory } from "../../src/kernel/log-memory.ts";
import { LogReader } from "../../src/kernel/log-reader.ts";
import { checksum, type StressMessage, type StressReport, stressHeaderBytes } from "./log-stress.ts";

const port = (workerData as { port: MessagePort }).port;
const limits = { ...defaultLagLimits, maxJumps: Number.MAX_SAFE_INTEGER, maxSkippedBytes: Number.POSITIVE_INFINITY };
const report: StressReport = {
  entryCount: 0,
  corruptCount: 0,
  misorderedCount: 0,
  lapCount: 0,
  growthCount: 0,
  logCount: 0,
};
const copy = new Uint8Array(4 * 1024 * 1024);
const copyView = new DataView(copy.buffer);
const table = new CursorTable(1);
let reader: LogReader | undefined;
let cursor = -1;
let expected = -1;

for (;;) {
  const received = receiveMessageOnPort(port) as { message: StressMessage } | undefined;
  if (received !== undefined) {
    const { message } = received;
    if (message.type === "end") break;
    const memory = openLogMemory(message.shared, message.capacity, message.entryCapacity);
    if (message.type === "growth" && reader !== undefined) {
      // First what the old ring still holds: nobody writes to it any more.
      while (look(reader));
      reader.memory = memory;
      report.growthCount++;
    } else {
      if (cursor >= 0) table.close(cursor);
      reader = new LogReader(memory);
      report.logCount++;
      reopen(reader);
    }
  }
  if (reader !== undefined) look(reader);
}
port.postMessage(report);
port.close();

function reopen(of: LogReader): void {
  of.refresh();
  cursor = table.open(of, false, 0);
  expected = -1;
}

/** Whether there was something to do. */
function look(from: LogReader): boolean {
  from.refresh();
  const step = table.step(cursor, from, limits, 0);
  if (step === cursorSteps.jumped) {
    report.lapCount++;
    expected = -1;
  }
  if (step !== cursorSteps.ready) return step === cursorSteps.jumped;
  const entry = table.entries[cursor] as number;
  const position = table.positions[cursor] as number;
  const isStarting = table.isStarting(cursor);
  const gathered = from.gather(entry, isStarting, 64 * 1024);
  let length = 0;
  for (const view of gathered.views) {
    if (length + view.length > copy.length) break; // torn lengths; the check below says so
    copy.set(view, length);
    length += view.length;
  }
  if (!from.isIntact(entry, position)) {
    report.lapCount++;
    table.close(cursor);
    reopen(from);
    return true;
  }
  check(entry, length);
  if (length !== gathered.byteLength) report.corruptCount++;
  table.advance(cursor, gathered.endEntry, gathered.endPosition, gathered.byteLength, 0);
  expected = gathered.endEntry;
  return true;
}

function check(firstEntry: number, length: number): void {
  if (expected >= 0 && expected !== firstEntry) report.misorderedCount++;
  let number = firstEntry;
  let at = 0;
  while (at < length) {
    const entryLength = at + stressHeaderBytes > length ? 0 : copyView.getUint32(at);
    if (entryLength < stressHeaderBytes || at + entryLength > length) {
      report.corruptCount++;
      return;
    }
    const isWhole = copyView.getUint32(at + 8) === checksum(copy, at + stressHeaderBytes, at + entryLength);
    if (!isWhole) report.corruptCount++;
    if (copyView.getUint32(at + 4) !== number) report.misorderedCount++;
    report.entryCount++;
    number++;
    at += entryLength;
  }
}
