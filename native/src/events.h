// What JavaScript is told: four numbers each, taken in batches. The types are in src/runtime/native-addon.ts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace millrace {

struct Event {
  double type;
  double id;
  double a;
  double b;
};

class Events {
 public:
  bool is_empty() const { return queue_.empty(); }

  void Emit(int64_t type, double id, double a, double b) { queue_.push_back({static_cast<double>(type), id, a, b}); }

  // Moves out `capacity` of them at the most; returns how many.
  size_t Take(double* target, size_t capacity) {
    const size_t count = std::min(capacity, queue_.size() - taken_);
    if (count == 0) return 0;
    std::memcpy(target, queue_.data() + taken_, count * sizeof(Event));
    taken_ += count;
    if (taken_ == queue_.size()) {
      queue_.clear();
      taken_ = 0;
    }
    return count;
  }

 private:
  std::vector<Event> queue_;
  size_t taken_ = 0;
};

}  // namespace millrace
