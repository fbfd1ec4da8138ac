// An egress log as a reader sees it: a snapshot of its shared words, and the records of its entries.
// The counterpart of src/kernel/log-reader.ts; the layout is declared in src/kernel/log-layout.ts.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "layout.h"

namespace millrace {

// One shared mapping of a log. Replaced when the log has grown.
class Log {
 public:
  // `base` stays valid for as long as the owner keeps the buffer alive.
  void Attach(uint8_t* base, uint64_t capacity, uint64_t entry_capacity);
  // Loads the words anew; once a batch.
  void Refresh();

  int64_t tail() const { return tail_; }
  int64_t entry_tail() const { return entry_tail_; }
  int64_t PositionOf(int64_t entry) const;
  uint32_t LengthOf(int64_t entry) const { return __atomic_load_n(&Record(entry).length, __ATOMIC_RELAXED); }
  uint32_t FlagsOf(int64_t entry) const { return __atomic_load_n(&Record(entry).flags, __ATOMIC_RELAXED); }
  // A preamble is for the cursors that start with it.
  bool IsSkipped(int64_t entry, bool is_start) const {
    return !is_start && (FlagsOf(entry) & static_cast<uint32_t>(kEntryPreamble)) != 0;
  }
  // Whether a reader may start here: a guard distance away from being overwritten.
  bool IsReachable(int64_t entry) const;
  // Whether what is read from here has time to leave: the same, and for a log that has not wrapped yet, too.
  bool IsSafe(int64_t entry) const;
  // The newest random access point, or -1 when none can be reached.
  int64_t RandomAccessEntry() const;
  // Whether nothing from here on has been overwritten up to now. Asked after use, also of what was read from records.
  bool IsIntact(int64_t entry, int64_t position) const;
  // Adds bytes [offset, length) of an entry to `out`; two pieces where the ring wraps.
  void AddIovecs(int64_t entry, uint64_t offset, std::vector<iovec>* out) const;
  // Adds bytes [position, position + length) of the log as pieces of their own.
  void AddRange(uint64_t position, uint64_t length, std::vector<iovec>* out) const;
  uint8_t ByteAt(uint64_t position) const { return __atomic_load_n(&ring_[position & (capacity_ - 1)], __ATOMIC_RELAXED); }

 private:
  const EntryRecord& Record(int64_t entry) const { return records_[static_cast<uint64_t>(entry) % entry_capacity_]; }
  // Records are overwritten while they are read: relaxed loads, which cost nothing and are defined.
  int64_t RecordPosition(int64_t entry) const {
    double position;
    __atomic_load(&Record(entry).position, &position, __ATOMIC_RELAXED);
    return static_cast<int64_t>(position);
  }
  int64_t Load(int64_t word) const { return words_[word].load(std::memory_order_seq_cst); }

  std::atomic<int64_t>* words_ = nullptr;
  EntryRecord* records_ = nullptr;
  uint8_t* ring_ = nullptr;
  uint64_t capacity_ = 1;
  uint64_t entry_capacity_ = 1;
  int64_t tail_ = 0;
  int64_t entry_tail_ = 0;
  int64_t newest_random_access_ = -1;
  int64_t floor_ = 0;
  int64_t floor_entry_ = 0;
  int64_t oldest_position_ = 0;
  int64_t safe_position_ = 0;
  int64_t oldest_entry_ = 0;
};

// A log, and who plays it: ids of connections, and of players of packets.
struct LogSlot {
  Log log;
  bool is_open = false;
  std::vector<int> connections;
  std::vector<int> players;
  size_t unflushed_connections = 0;  // those before it are still to come in this round
  size_t unflushed_players = 0;
};

}  // namespace millrace
