// The system calls that open connections and move bytes, behind a table, so that tests can hand in ones that fail.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

namespace millrace {

struct Syscalls {
  ssize_t (*sendmsg)(int fd, const msghdr* message, int flags);
  ssize_t (*recv)(int fd, void* buffer, size_t length, int flags);
  int (*accept4)(int fd, sockaddr* address, socklen_t* length, int flags);
  int (*connect)(int fd, const sockaddr* address, socklen_t length);
  int (*getsockopt)(int fd, int level, int option, void* value, socklen_t* length);
  int (*sendmmsg)(int fd, mmsghdr* messages, unsigned int count, int flags);
  int (*recvmmsg)(int fd, mmsghdr* messages, unsigned int count, int flags, timespec* timeout);
};

extern const Syscalls kRealSyscalls;

}  // namespace millrace
