#include "log.h"

#include <algorithm>

namespace millrace {

void Log::Attach(uint8_t* base, uint64_t capacity, uint64_t entry_capacity) {
  words_ = reinterpret_cast<std::atomic<int64_t>*>(base);
  records_ = reinterpret_cast<EntryRecord*>(base + kLogHeaderBytes);
  ring_ = base + kLogHeaderBytes + entry_capacity * sizeof(EntryRecord);
  capacity_ = capacity;
  entry_capacity_ = entry_capacity;
}

void Log::Refresh() {
  // The random access point before the entry tail, so that it is never ahead of it.
  newest_random_access_ = Load(kWordNewestRandomAccessEntry);
  const auto entry_capacity = static_cast<int64_t>(entry_capacity_);
  // Where the last entry ends; a word of its own could not be read together with the entry tail. Again only when the writer
  // went round the whole table in the meantime.
  for (int64_t newest = Load(kWordEntryTail);;) {
    entry_tail_ = newest;
    tail_ = newest == 0 ? 0 : RecordPosition(newest - 1) + LengthOf(newest - 1);
    std::atomic_thread_fence(std::memory_order_acquire);
    newest = Load(kWordEntryTail);
    if (newest < entry_tail_ + entry_capacity - 1) break;
  }
  floor_ = Load(kWordFloor);
  floor_entry_ = Load(kWordFloorEntry);
  const int64_t intent = Load(kWordTailIntent);
  const auto capacity = static_cast<int64_t>(capacity_);
  // A log that has not wrapped yet has lost nothing, however close the guard is.
  safe_position_ = std::max(floor_, intent - capacity + capacity / kGuardDivisor);
  oldest_position_ = intent <= capacity ? floor_ : safe_position_;
  oldest_entry_ = entry_tail_ < entry_capacity
                      ? floor_entry_
                      : std::max(floor_entry_, entry_tail_ - entry_capacity +
                                                  std::max<int64_t>(1, entry_capacity / kGuardDivisor));
}

int64_t Log::PositionOf(int64_t entry) const {
  return entry == entry_tail_ ? tail_ : RecordPosition(entry);
}

bool Log::IsReachable(int64_t entry) const {
  if (entry < oldest_entry_ || entry > entry_tail_) return false;
  return entry == entry_tail_ || PositionOf(entry) >= oldest_position_;
}

bool Log::IsSafe(int64_t entry) const {
  return IsReachable(entry) && PositionOf(entry) >= safe_position_;
}

int64_t Log::RandomAccessEntry() const {
  return newest_random_access_ >= 0 && IsReachable(newest_random_access_) ? newest_random_access_ : -1;
}

bool Log::IsIntact(int64_t entry, int64_t position) const {
  // The plain reads before must not be delayed past these loads.
  std::atomic_thread_fence(std::memory_order_acquire);
  return position >= floor_ && entry >= floor_entry_ &&
         position >= Load(kWordTailIntent) - static_cast<int64_t>(capacity_) &&
         entry > Load(kWordEntryTail) - static_cast<int64_t>(entry_capacity_);
}

void Log::AddIovecs(int64_t entry, uint64_t offset, std::vector<iovec>* out) const {
  const uint64_t whole = LengthOf(entry);
  const uint64_t at = (static_cast<uint64_t>(RecordPosition(entry)) + offset) & (capacity_ - 1);
  // A record that is being overwritten may say anything; what is read stays inside the ring.
  const uint64_t length = std::min(whole - std::min(offset, whole), capacity_);
  const uint64_t first = std::min<uint64_t>(length, capacity_ - at);
  if (first > 0) {
    if (!out->empty() && static_cast<uint8_t*>(out->back().iov_base) + out->back().iov_len == ring_ + at) {
      out->back().iov_len += first;
    } else {
      out->push_back({ring_ + at, first});
    }
  }
  if (first < length) out->push_back({ring_, length - first});
}

void Log::AddRange(uint64_t position, uint64_t length, std::vector<iovec>* out) const {
  const uint64_t at = position & (capacity_ - 1);
  const uint64_t bounded = std::min(length, capacity_);
  const uint64_t first = std::min(bounded, capacity_ - at);
  if (first > 0) out->push_back({ring_ + at, first});
  if (first < bounded) out->push_back({ring_, bounded - first});
}

}  // namespace millrace
