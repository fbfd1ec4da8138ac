// sendmsg with MSG_ZEROCOPY (Linux, Documentation/networking/msg_zerocopy.rst): the kernel takes references to the pages, and says
// through the socket's error queue when it has let go of them.
//
// Given its best case: a socket that wakes up while completions are due is asked for nothing else. And nothing here keeps the ring
// from being written under a message that is still on its way; a server would have to hold its cursors back until the
// completion has come.
#include <netinet/in.h>
#include <time.h>
// Needs what time.h declares.
#include <linux/errqueue.h>

#include <cerrno>
#include <vector>

#include "way.h"

namespace millrace {

namespace {

// Of one socket: each holds some of the socket's kernel memory (net.core.optmem_max, 128 KiB).
constexpr uint32_t kMaxDue = 16;

WayCounts counts;
std::vector<uint32_t> due;  // completions that have not come, by descriptor

bool Open(void*, size_t) {
  due.assign(kMaxDescriptors, 0);
  return true;
}

void Accepted(int fd) {
  const int one = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof one) != 0) counts.failed++;
  due[fd] = 0;
}

// Takes what the error queue has; neighbouring completions come as one range.
bool Reap(int fd) {
  if (due[fd] == 0) return false;
  while (due[fd] > 0) {
    alignas(cmsghdr) char control[128];
    msghdr message{};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    counts.calls++;
    if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) break;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level != SOL_IP || part->cmsg_type != IP_RECVERR) continue;
      const auto* error = reinterpret_cast<const sock_extended_err*>(CMSG_DATA(part));
      if (error->ee_origin != SO_EE_ORIGIN_ZEROCOPY) continue;
      const uint32_t count = error->ee_data - error->ee_info + 1;
      due[fd] -= count;
      if ((error->ee_code & SO_EE_CODE_ZEROCOPY_COPIED) != 0) counts.copied += count;
    }
  }
  return true;
}

ssize_t Sendmsg(int fd, const msghdr* message, int flags) {
  if (due[fd] >= kMaxDue) Reap(fd);
  ssize_t sent = -1;
  errno = ENOBUFS;
  if (due[fd] < kMaxDue) {
    counts.calls++;
    sent = ::sendmsg(fd, message, flags | MSG_ZEROCOPY);
    if (sent >= 0) {
      due[fd]++;
      counts.lent++;
    }
  }
  // No memory for the completion, or more pages than the process may lock (RLIMIT_MEMLOCK): the plain way.
  if (sent < 0 && errno == ENOBUFS) {
    counts.calls++;
    sent = ::sendmsg(fd, message, flags);
  }
  counts.messages++;
  if (sent < 0 && errno == EAGAIN) counts.refused++;
  else if (sent < 0) counts.failed++;
  else if (static_cast<size_t>(sent) < LengthOf(*message)) counts.partial++;
  return sent;
}

}  // namespace

const Way kZeroCopyWay = {"zerocopy", Open, Accepted, Sendmsg, nullptr, Reap, &counts};

}  // namespace millrace
