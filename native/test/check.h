// What a test says when something is not as it should be, and numbers that are the same for the same seed.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                              \
  do {                                                                                \
    if (!(condition)) {                                                               \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
      std::abort();                                                                   \
    }                                                                                 \
  } while (false)

namespace millrace {

// Marsaglia's xorshift, 64 bits.
class SeededNumbers {
 public:
  explicit SeededNumbers(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  // In [0, limit).
  uint64_t Below(uint64_t limit) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return (state_ >> 11) % limit;
  }
  bool OneIn(uint64_t count) { return Below(count) == 0; }

 private:
  uint64_t state_;
};

}  // namespace millrace
