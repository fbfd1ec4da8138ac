// One way of sending what the shard gathers, and what it counted. Each stands in a file of its own.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace millrace {

struct WayCounts {
  uint64_t messages = 0;   // given to the kernel
  uint64_t calls = 0;      // system calls for them, completions included
  uint64_t refused = 0;    // messages that were not taken: EAGAIN, or the one before is still on its way
  uint64_t partial = 0;    // ...and those that were taken in part
  uint64_t failed = 0;
  uint64_t lent = 0;       // messages whose memory the kernel was lent instead of copying it
  uint64_t copied = 0;     // ...and which it copied all the same, as it said later
};

struct Way {
  const char* name;
  // Once, before anything else; the memory is what will be sent from. False: errno says why this machine doesn't have it.
  bool (*open)(void* memory, size_t length);
  // A socket has come; null where that is of no interest.
  void (*accepted)(int fd);
  // As in the addon's table of system calls. What it says was taken may leave with `submit` only.
  ssize_t (*sendmsg)(int fd, const msghdr* message, int flags);
  // After each flush, and after each turn of the sockets; null where nothing waits for it.
  void (*submit)();
  // Epoll has woken the socket. True: for completions, which have been taken; null where there are none.
  bool (*reap)(int fd);
  WayCounts* counts;
};

extern const Way kSendmsgWay, kSendWay, kZeroCopyWay, kUringWay, kUringZeroCopyWay;

// Descriptors are small numbers: tables are indexed by them.
constexpr int kMaxDescriptors = 65536;

inline size_t LengthOf(const msghdr& message) {
  size_t length = 0;
  for (size_t i = 0; i < message.msg_iovlen; i++) length += message.msg_iov[i].iov_len;
  return length;
}

}  // namespace millrace
