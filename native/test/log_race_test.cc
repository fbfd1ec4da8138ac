// One writer, two readers, no lock: what a reader is told is intact has the right bytes, always.
//
// Compiled with ThreadSanitizer this shows, too, that words and records are only touched atomically, that nothing else in Log
// is shared, and that a reader needs nothing from the writer but the words. It does not show anything about the bytes of the
// ring: they are overwritten while they are read, as in every seqlock, in JavaScript and in the kernel without atomics; here
// both sides use relaxed ones, and the checksums show what TSan can't. TSan does not know fences; it sees the words alone.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "../src/log.h"
#include "check.h"
#include "log_writer.h"

namespace millrace {

namespace {

constexpr size_t kHeaderBytes = 16;  // length, number, checksum, nothing

uint32_t Checksum(const uint8_t* bytes, size_t length) {
  uint32_t sum = 0x811c9dc5u;
  for (size_t i = 0; i < length; i++) sum = (sum ^ bytes[i]) * 0x01000193u;
  return sum;
}

struct Report {
  uint64_t entries = 0;
  uint64_t torn_gathers = 0;  // found out in time
  uint64_t laps = 0;
};

void Read(const LogWriter& writer, const std::atomic<bool>& is_over, uint64_t seed, Report* report) {
  SeededNumbers numbers(seed);
  Log log;
  log.Attach(writer.base(), writer.capacity(), writer.entry_capacity());
  int64_t next = -1;
  std::vector<iovec> parts;
  std::vector<uint8_t> copy;
  while (!is_over.load(std::memory_order_relaxed)) {
    log.Refresh();
    CHECK(log.tail() >= 0);
    if (next < 0 || !log.IsReachable(next)) {
      report->laps += next >= 0 ? 1 : 0;
      next = log.RandomAccessEntry();
      if (next < 0) continue;
    }
    for (int i = 0; i < 8 && next < log.entry_tail(); i++) {
      const int64_t position = log.PositionOf(next);
      parts.clear();
      log.AddIovecs(next, 0, &parts);
      copy.clear();
      for (const iovec& part : parts) {
        const auto* bytes = static_cast<const uint8_t*>(part.iov_base);
        for (size_t at = 0; at < part.iov_len; at++) copy.push_back(__atomic_load_n(bytes + at, __ATOMIC_RELAXED));
      }
      if (!log.IsIntact(next, position)) {
        report->torn_gathers++;
        next = -1;
        break;
      }
      uint32_t header[3];
      CHECK(copy.size() >= kHeaderBytes);
      std::memcpy(header, copy.data(), sizeof header);
      CHECK(header[0] == copy.size());
      CHECK(header[1] == static_cast<uint32_t>(next));
      CHECK(header[2] == Checksum(copy.data() + kHeaderBytes, copy.size() - kHeaderBytes));
      report->entries++;
      next++;
    }
    // At times a reader sleeps, and is lapped.
    if (numbers.OneIn(200)) std::this_thread::sleep_for(std::chrono::microseconds(numbers.Below(300)));
  }
}

}  // namespace

}  // namespace millrace

int main(int argc, char** argv) {
  using namespace millrace;
  const int milliseconds = argc > 1 ? std::atoi(argv[1]) : 2000;
  LogWriter writer(8192, 32);
  std::atomic<bool> is_over{false};
  Report reports[2];
  std::thread readers[2];
  for (uint64_t i = 0; i < 2; i++) {
    // A copy, which does not change: the words are all that a reader shares with the writer.
    readers[i] = std::thread([copy = LogWriter(writer), &is_over, &reports, i] { Read(copy, is_over, i + 1, &reports[i]); });
  }
  SeededNumbers numbers(7);
  std::string entry;
  uint64_t appended = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (std::chrono::steady_clock::now() < end) {
    for (int i = 0; i < 16; i++, appended++) {
      const size_t length = kHeaderBytes + numbers.Below(400);
      entry.resize(length);
      for (size_t at = kHeaderBytes; at < length; at++) entry[at] = static_cast<char>(appended * 31 + at);
      const uint32_t header[4] = {static_cast<uint32_t>(length), static_cast<uint32_t>(writer.entry_tail()),
                                  Checksum(reinterpret_cast<const uint8_t*>(entry.data()) + kHeaderBytes, length - kHeaderBytes), 0};
      std::memcpy(entry.data(), header, sizeof header);
      writer.Append(entry, numbers.OneIn(5) ? kEntryKey : 0);
    }
    // And at times the writer does, so that readers catch up.
    if (numbers.OneIn(8)) std::this_thread::sleep_for(std::chrono::microseconds(numbers.Below(100)));
  }
  is_over = true;
  for (std::thread& reader : readers) reader.join();
  for (const Report& report : reports) {
    std::printf("log: %llu appended, %llu read whole, %llu found torn in time, %llu laps\n", static_cast<unsigned long long>(appended),
                static_cast<unsigned long long>(report.entries), static_cast<unsigned long long>(report.torn_gathers),
                static_cast<unsigned long long>(report.laps));
    CHECK(report.entries > 500 && report.laps > 0);
  }
}
