#include "cursors.h"

namespace millrace {

Cursors::StepResult Cursors::Step(int cursor, const Log& log, double now_ms, double* skipped) {
  if ((columns.flags[cursor] & kCursorWaiting) != 0) {
    const int64_t found = log.RandomAccessEntry();
    if (found < EntryOf(cursor)) {
      MarkProgress(cursor, now_ms);
      return kIdle;
    }
    Place(cursor, log, found);
  }
  const int64_t entry = EntryOf(cursor);
  if (!log.IsReachable(entry)) return Jump(cursor, log, now_ms, skipped);
  if (now_ms - columns.jumped_at_ms[cursor] > limits.forgive_after_ms) {
    columns.jump_counts[cursor] = 0;
    columns.skipped_bytes[cursor] = 0;
    columns.jumped_at_ms[cursor] = now_ms;
  }
  if (entry < log.entry_tail()) return kReady;
  MarkProgress(cursor, now_ms);
  return kIdle;
}

Cursors::StepResult Cursors::Jump(int cursor, const Log& log, double now_ms, double* skipped) {
  const int64_t target = log.RandomAccessEntry();
  const int64_t position = target < 0 ? log.tail() : log.PositionOf(target);
  *skipped = static_cast<double>(position) - columns.positions[cursor];
  columns.jump_counts[cursor]++;
  columns.skipped_bytes[cursor] += *skipped;
  columns.jumped_at_ms[cursor] = now_ms;
  if (columns.jump_counts[cursor] > limits.max_jumps || columns.skipped_bytes[cursor] > limits.max_skipped_bytes) {
    return kEvicted;
  }
  Place(cursor, log, target);
  return kJumped;
}

void Cursors::MoveTo(int cursor, const Log& log, int64_t entry, uint32_t offset) {
  columns.entries[cursor] = static_cast<double>(entry);
  columns.positions[cursor] = static_cast<double>(log.PositionOf(entry) + offset);
  columns.flags[cursor] &= ~static_cast<uint32_t>(kCursorStarting);
}

void Cursors::Place(int cursor, const Log& log, int64_t entry) {
  const bool is_waiting = entry < 0;
  columns.entries[cursor] = static_cast<double>(is_waiting ? log.entry_tail() : entry);
  columns.positions[cursor] = static_cast<double>(is_waiting ? log.tail() : log.PositionOf(entry));
  columns.flags[cursor] = static_cast<uint32_t>(kCursorInUse | (is_waiting ? kCursorWaiting : kCursorStarting));
}

}  // namespace millrace
