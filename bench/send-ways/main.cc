// The addon's own shard, its loop over cursors on a log in memory, and one way of sending after the other: what a system call
// costs with nothing of Node around it.
//
//   send-ways <port> <connections> <bytes per second> <interval ms> <settle s> <ceiling s>
//
// Accepts on loopback, reads one line from each connection and answers nothing: from then on it is a cursor that starts at the
// newest random access point, as a player does. A frame is appended 25 times a second, a GOP is two seconds.
//
// Each flush is sent in another way than the one before, over the same connections, so that whatever else happens on the machine
// happens to all ways alike. What the thread's CPU clock says from one flush to the next belongs to the way of the first:
// completions and wake-ups that follow from it included. That begins <settle> seconds after <connections> play. Ends when
// the peers leave, or after <ceiling>, and prints a line of JSON on standard error. A way that this machine doesn't have is named there,
// too, and left out.
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <limits>
#include <string>
#include <vector>

#include "../../native/src/shard.h"
#include "../../native/test/log_writer.h"
#include "way.h"

namespace millrace {

namespace {

constexpr uint64_t kRingBytes = 1 << 20;   // as much as the server's ring holds of such a stream
constexpr uint64_t kRingEntries = 4096;
constexpr double kFramesPerSecond = 25;
constexpr int64_t kFramesPerGop = 50;
constexpr size_t kReceiveBytes = 1 << 20;
constexpr size_t kEventBatch = 512;
constexpr double kSweepIntervalMs = 250;   // also when a socket is tried again that had no room
const LagLimits kLagLimits = {5, 64e6, 15000, 60000};
const std::string kPreamble(400, 'p');

volatile sig_atomic_t is_over = 0;

double NowMs() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double CpuSeconds(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::vector<const Way*> ways;
const Way* current;

// The table that the shard calls: the way whose turn it is. Sockets belong to all of them.
ssize_t Sendmsg(int fd, const msghdr* message, int flags) { return current->sendmsg(fd, message, flags); }

ssize_t Recv(int fd, void* buffer, size_t length, int flags) {
  for (const Way* way : ways) {
    if (way->reap == nullptr || !way->reap(fd)) continue;
    // A peer says one thing, before anything is sent to it: what wakes its socket later is completions.
    errno = EAGAIN;
    return -1;
  }
  return ::recv(fd, buffer, length, flags);
}

int Accept4(int listener, sockaddr* address, socklen_t* length, int flags) {
  const int fd = ::accept4(listener, address, length, flags);
  for (const Way* way : ways) {
    if (fd >= 0 && way->accepted != nullptr) way->accepted(fd);
  }
  return fd;
}

constexpr Syscalls kSyscalls = {Sendmsg, Recv, Accept4, ::connect, ::getsockopt, ::sendmmsg, ::recvmmsg};

// What belongs to one way, while it was measured.
struct Share {
  uint64_t flushes = 0;
  double cpu_seconds = 0;
  double bytes = 0;
  WayCounts before;  // the measurement
};

class Bench {
 public:
  Bench(const LogWriter& log, size_t connections, double bytes_per_second)
      : connections_(connections),
        log_(log),
        received_(kReceiveBytes),
        cursors_(7 * connections),  // six 64-bit numbers, and two 32-bit words that are as long as a seventh
        columns_(CursorColumns::Over(reinterpret_cast<uint8_t*>(cursors_.data()), static_cast<int64_t>(connections))),
        frame_(static_cast<size_t>(bytes_per_second / kFramesPerSecond), 'f'),
        shard_(&kSyscalls, received_.data(), received_.size(), received_.size()) {
    shard_.SetCursors(columns_);
    log_id_ = shard_.OpenLog(log_.base(), log_.capacity(), log_.entry_capacity());
  }

  bool Listen(int port) {
    int bound;
    const int listener = shard_.Listen("127.0.0.1", port, 4096, false, static_cast<int>(connections_), &bound);
    errno = -listener;
    return listener >= 0;
  }

  void Run(double interval_ms, double settle_s, double ceiling_s) {
    const double start_ms = NowMs();
    double due_ms = start_ms + interval_ms, sweep_ms = start_ms;
    for (double now_ms = start_ms; is_over == 0 && now_ms - start_ms < ceiling_s * 1000; now_ms = NowMs()) {
      if (now_ms >= due_ms) {
        const bool are_all_here = PlayingCount() == connections_;
        if (is_measuring_ && !are_all_here) return;  // the peers leave: what is not a whole turn doesn't count
        TakeShare(are_all_here && now_ms - all_play_at_ms_ >= settle_s * 1000);
        while (static_cast<double>(frame_count_) < (now_ms - start_ms) / 1000 * kFramesPerSecond) Append();
        shard_.Flush(log_id_, kLagLimits, now_ms, true, SIZE_MAX);
        TakeEvents(now_ms);
        while (due_ms <= now_ms) due_ms += interval_ms;
      }
      if (now_ms >= sweep_ms) {
        shard_.Sweep(kLagLimits, now_ms);
        TakeEvents(now_ms);
        sweep_ms = now_ms + kSweepIntervalMs;
      }
      now_ms = NowMs();
      const double wait_ms = std::min(due_ms, sweep_ms) - now_ms;
      pollfd waited = {shard_.epoll_fd(), POLLIN, 0};
      if (poll(&waited, 1, has_more_ || wait_ms <= 0 ? 0 : static_cast<int>(wait_ms) + 1) <= 0 && !has_more_) continue;
      now_ms = NowMs();
      has_more_ = shard_.Poll(now_ms);
      TakeEvents(now_ms);
    }
  }

  void Print() const {
    // Work that the kernel gave to threads of its own on our account would not be in the shares.
    const double others = CpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
    fprintf(stderr, "{\"evicted\":%.0f,\"jumps\":%.0f,\"otherThreadsCpuSeconds\":%.6f,\"ways\":[", shard_.counters.evicted,
            shard_.counters.jumps, others);
    for (size_t i = 0; i < ways.size(); i++) {
      const WayCounts &counts = *ways[i]->counts, &before = shares_[i].before;
      const auto since = [](uint64_t now, uint64_t then) { return static_cast<unsigned long long>(now - then); };
      fprintf(stderr,
              "%s{\"name\":\"%s\",\"flushes\":%llu,\"cpuSeconds\":%.9f,\"bytes\":%.0f,\"messages\":%llu,\"calls\":%llu,"
              "\"refused\":%llu,\"partial\":%llu,\"lent\":%llu,\"copied\":%llu}",
              i == 0 ? "" : ",", ways[i]->name, since(shares_[i].flushes, 0), shares_[i].cpu_seconds, shares_[i].bytes,
              since(counts.messages, before.messages), since(counts.calls, before.calls), since(counts.refused, before.refused),
              since(counts.partial, before.partial), since(counts.lent, before.lent), since(counts.copied, before.copied));
    }
    fprintf(stderr, "]}\n");
  }

 private:
  void Append() {
    const bool is_key = frame_count_++ % kFramesPerGop == 0;
    if (is_key) log_.Append(kPreamble, kEntryPreamble);
    log_.Append(frame_, (is_key ? kEntryKey : 0) | kEntryEndOfFrame);
  }

  size_t PlayingCount() const { return shard_.CursorCount(log_id_); }

  // The end of one way's turn, and the beginning of the next one's.
  void TakeShare(bool is_measured) {
    const double cpu_seconds = CpuSeconds(CLOCK_THREAD_CPUTIME_ID), bytes = shard_.counters.sent_bytes;
    Share& share = shares_[turn_];
    if (is_measuring_) {
      share.flushes++;
      share.cpu_seconds += cpu_seconds - cpu_before_;
      share.bytes += bytes - bytes_before_;
    } else {
      for (size_t i = 0; i < ways.size(); i++) shares_[i].before = *ways[i]->counts;
    }
    is_measuring_ = is_measured;
    cpu_before_ = cpu_seconds;
    bytes_before_ = bytes;
    turn_ = (turn_ + 1) % ways.size();
    current = ways[turn_];
  }

  // Also lets leave what waits: whatever the shard has done, it has sent.
  void TakeEvents(double now_ms) {
    static double batch[kEventBatch * 4];
    for (size_t count = shard_.TakeEvents(batch, kEventBatch); count > 0; count = shard_.TakeEvents(batch, kEventBatch)) {
      for (size_t i = 0; i < count; i++) {
        const double* event = batch + i * 4;
        const auto type = static_cast<int64_t>(event[0]);
        const int id = static_cast<int>(event[1]);
        if (type == kEventMore) has_more_ = true;
        if (type == kEventPeerEnded) shard_.Destroy(id);
        if (type != kEventData) continue;
        const uint8_t* bytes = received_.data() + static_cast<size_t>(event[2]);
        if (std::memchr(bytes, '\n', static_cast<size_t>(event[3])) != nullptr) Play(id, now_ms);
      }
    }
    if (current->submit != nullptr) current->submit();
  }

  // As CursorTable.open does; a connection's cursor has its number.
  void Play(int id, double now_ms) {
    if (shard_.Find(id)->cursor >= 0) return;
    Log log;
    log.Attach(log_.base(), log_.capacity(), log_.entry_capacity());
    log.Refresh();
    const int64_t entry = log.RandomAccessEntry();
    columns_.entries[id] = static_cast<double>(entry < 0 ? log.entry_tail() : entry);
    columns_.positions[id] = static_cast<double>(entry < 0 ? log.tail() : log.PositionOf(entry));
    columns_.flags[id] = static_cast<uint32_t>(kCursorInUse | (entry < 0 ? kCursorWaiting : kCursorStarting));
    columns_.progress_at_ms[id] = columns_.jumped_at_ms[id] = now_ms;
    shard_.Play(id, log_id_, id, now_ms);
    shard_.StartPlaying(id, now_ms);
    if (PlayingCount() == connections_) all_play_at_ms_ = now_ms;
  }

  const size_t connections_;
  LogWriter log_;
  std::vector<uint8_t> received_;
  std::vector<double> cursors_;
  CursorColumns columns_;
  std::string frame_;
  Shard shard_;
  int log_id_ = -1;
  int64_t frame_count_ = 0;
  bool has_more_ = false;
  double all_play_at_ms_ = std::numeric_limits<double>::infinity();
  std::vector<Share> shares_{ways.size()};
  size_t turn_ = 0;
  bool is_measuring_ = false;
  double cpu_before_ = 0;
  double bytes_before_ = 0;
};

// All that this machine has; they are told where the bytes will be.
void OpenWays(const LogWriter& log) {
  const size_t length = kLogHeaderBytes + log.entry_capacity() * kEntryRecordBytes + log.capacity();
  for (const Way* way : {&kSendmsgWay, &kSendWay, &kZeroCopyWay, &kUringWay, &kUringZeroCopyWay}) {
    if (way->open(log.base(), length)) ways.push_back(way);
    else fprintf(stderr, "left out: %s: %s\n", way->name, std::strerror(errno));
  }
  current = ways.front();
}

}  // namespace

}  // namespace millrace

int main(int argc, char** argv) {
  using namespace millrace;
  double values[6] = {};
  for (int i = 0; i < 6 && argc == 7; i++) values[i] = atof(argv[i + 1]);
  const auto [port, connections, bytes_per_second, interval_ms, settle_s, ceiling_s] = values;
  if (port < 1 || connections < 1 || bytes_per_second < kFramesPerSecond || interval_ms <= 0 || ceiling_s <= 0) {
    fprintf(stderr, "usage: send-ways <port> <connections> <bytes per second> <interval ms> <settle s> <ceiling s>\n");
    return 2;
  }
  struct sigaction action = {};
  action.sa_handler = [](int) { is_over = 1; };
  sigaction(SIGTERM, &action, nullptr);
  const LogWriter log(kRingBytes, kRingEntries);
  OpenWays(log);
  Bench bench(log, static_cast<size_t>(connections), bytes_per_second);
  if (!bench.Listen(static_cast<int>(port))) {
    perror("listen");
    return 1;
  }
  fprintf(stderr, "ready\n");
  bench.Run(interval_ms, settle_s, ceiling_s);
  bench.Print();
  return 0;
}
