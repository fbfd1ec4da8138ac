// The table of cursors, which JavaScript shares, and the rules of lag: those of src/kernel/cursor-table.ts.
#pragma once

#include <cstdint>

#include "log.h"

namespace millrace {

// The columns of src/kernel/cursor-table.ts.
struct CursorColumns {
  double* positions = nullptr;
  double* entries = nullptr;
  double* sent_bytes = nullptr;
  double* skipped_bytes = nullptr;
  double* progress_at_ms = nullptr;
  double* jumped_at_ms = nullptr;
  uint32_t* jump_counts = nullptr;
  uint32_t* flags = nullptr;

  // The columns of `capacity` cursors in one piece of memory: 64-bit ones first, then the 32-bit ones.
  static CursorColumns Over(uint8_t* memory, int64_t capacity) {
    const auto numbers = [&](int64_t column) { return reinterpret_cast<double*>(memory) + column * capacity; };
    const auto words = [&](int64_t column) {
      auto* first = reinterpret_cast<uint32_t*>(numbers(kCursorColumnJumpCount));
      return first + (column - kCursorColumnJumpCount) * capacity;
    };
    CursorColumns columns;
    columns.positions = numbers(kCursorColumnPosition);
    columns.entries = numbers(kCursorColumnEntry);
    columns.sent_bytes = numbers(kCursorColumnSentBytes);
    columns.skipped_bytes = numbers(kCursorColumnSkippedBytes);
    columns.progress_at_ms = numbers(kCursorColumnProgressAtMs);
    columns.jumped_at_ms = numbers(kCursorColumnJumpedAtMs);
    columns.jump_counts = words(kCursorColumnJumpCount);
    columns.flags = words(kCursorColumnFlags);
    return columns;
  }
};

struct LagLimits {
  double max_jumps = 0;
  double max_skipped_bytes = 0;
  double stall_timeout_ms = 0;
  double forgive_after_ms = 0;
};

class Cursors {
 public:
  CursorColumns columns;
  LagLimits limits;

  int64_t EntryOf(int cursor) const { return static_cast<int64_t>(columns.entries[cursor]); }
  bool IsStarting(int cursor) const { return (columns.flags[cursor] & kCursorStarting) != 0; }
  bool IsStalled(int cursor, double now_ms) const {
    return now_ms - columns.progress_at_ms[cursor] > limits.stall_timeout_ms;
  }
  void MarkProgress(int cursor, double now_ms) { columns.progress_at_ms[cursor] = now_ms; }

  // Idle: at the tail, or waiting for a random access point. Jumped: lapped, and `skipped` bytes further now.
  enum StepResult { kIdle, kReady, kJumped, kEvicted };
  // Decides what happens to a cursor between two entries. The log was refreshed.
  StepResult Step(int cursor, const Log& log, double now_ms, double* skipped);
  // To `entry`, of which `offset` bytes have left already.
  void MoveTo(int cursor, const Log& log, int64_t entry, uint32_t offset);
  // To start with `entry`, or, when there is none (-1), to wait for the next random access point.
  void Place(int cursor, const Log& log, int64_t entry);

 private:
  StepResult Jump(int cursor, const Log& log, double now_ms, double* skipped);
};

}  // namespace millrace
