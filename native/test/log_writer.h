// The writer of an egress log in C++, for the tests: does to shared memory what src/kernel/egress-log.ts does.
#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "../src/layout.h"

namespace millrace {

class LogWriter {
 public:
  LogWriter(uint64_t capacity, uint64_t entry_capacity) { Open(capacity, entry_capacity); }

  uint8_t* base() const { return reinterpret_cast<uint8_t*>(memory_.get()); }
  uint64_t capacity() const { return capacity_; }
  uint64_t entry_capacity() const { return entry_capacity_; }
  int64_t tail() const { return tail_; }
  int64_t entry_tail() const { return entry_tail_; }

  void Append(std::string_view bytes, int64_t flags) {
    // claim
    words()[kWordTailIntent].store(tail_ + static_cast<int64_t>(bytes.size()), std::memory_order_seq_cst);
    // Readers see a torn entry only together with the new intent; x86-64 gives this for nothing.
    std::atomic_thread_fence(std::memory_order_release);
    EntryRecord& record = records()[static_cast<uint64_t>(entry_tail_) % entry_capacity_];
    double position = static_cast<double>(tail_), time_ms = 0;
    __atomic_store(&record.position, &position, __ATOMIC_RELAXED);
    __atomic_store(&record.time_ms, &time_ms, __ATOMIC_RELAXED);
    __atomic_store_n(&record.length, static_cast<uint32_t>(bytes.size()), __ATOMIC_RELAXED);
    __atomic_store_n(&record.flags, static_cast<uint32_t>(flags), __ATOMIC_RELAXED);
    // write
    for (const char byte : bytes) {
      __atomic_store_n(&ring()[static_cast<uint64_t>(tail_++) & (capacity_ - 1)], static_cast<uint8_t>(byte), __ATOMIC_RELAXED);
    }
    // commit
    const bool starts = (flags & kEntryPreamble) != 0 || ((flags & kEntryKey) != 0 && !last_is_preamble_);
    last_is_preamble_ = (flags & kEntryPreamble) != 0;
    if (starts) newest_random_access_ = entry_tail_;
    words()[kWordEntryTail].store(++entry_tail_, std::memory_order_seq_cst);
    if (starts) words()[kWordNewestRandomAccessEntry].store(newest_random_access_, std::memory_order_seq_cst);
  }

  // A ring of this size takes over; the old memory stays for whoever still reads it. For tests on one thread.
  void Grow(uint64_t capacity, uint64_t entry_capacity) {
    const LogWriter old = *this;
    Open(capacity, entry_capacity);
    floor_ = std::max(floor_, tail_ - static_cast<int64_t>(old.capacity_));
    floor_entry_ = std::max(floor_entry_, entry_tail_ - static_cast<int64_t>(old.entry_capacity_));
    for (int64_t at = floor_; at < tail_; at++) {
      ring()[static_cast<uint64_t>(at) & (capacity_ - 1)] = old.ring()[static_cast<uint64_t>(at) & (old.capacity_ - 1)];
    }
    for (int64_t entry = floor_entry_; entry < entry_tail_; entry++) {
      records()[static_cast<uint64_t>(entry) % entry_capacity_] = old.records()[static_cast<uint64_t>(entry) % old.entry_capacity_];
    }
    words()[kWordFloor] = floor_;
    words()[kWordFloorEntry] = floor_entry_;
    words()[kWordTailIntent] = tail_;
    words()[kWordEntryTail] = entry_tail_;
    words()[kWordNewestRandomAccessEntry] = newest_random_access_;
    superseded_.push_back(old.memory_);
  }

 private:
  void Open(uint64_t capacity, uint64_t entry_capacity) {
    capacity_ = capacity;
    entry_capacity_ = entry_capacity;
    const uint64_t bytes = kLogHeaderBytes + entry_capacity * kEntryRecordBytes + capacity;
    memory_ = std::shared_ptr<uint64_t[]>(new uint64_t[(bytes + 7) / 8]());
    words()[kWordNewestRandomAccessEntry] = -1;
  }

  std::atomic<int64_t>* words() const { return reinterpret_cast<std::atomic<int64_t>*>(base()); }
  EntryRecord* records() const { return reinterpret_cast<EntryRecord*>(base() + kLogHeaderBytes); }
  uint8_t* ring() const { return base() + kLogHeaderBytes + entry_capacity_ * kEntryRecordBytes; }

  std::shared_ptr<uint64_t[]> memory_;
  std::vector<std::shared_ptr<uint64_t[]>> superseded_;
  uint64_t capacity_ = 0;
  uint64_t entry_capacity_ = 0;
  int64_t tail_ = 0;
  int64_t entry_tail_ = 0;
  int64_t floor_ = 0;
  int64_t floor_entry_ = 0;
  int64_t newest_random_access_ = -1;
  bool last_is_preamble_ = false;
};

}  // namespace millrace
