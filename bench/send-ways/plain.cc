// One system call for each cursor: sendmsg, as the server does, and send where the message is one piece.
#include <cerrno>

#include "way.h"

namespace millrace {

namespace {

ssize_t Count(WayCounts* counts, ssize_t sent, size_t offered) {
  counts->messages++;
  counts->calls++;
  if (sent < 0 && errno == EAGAIN) counts->refused++;
  else if (sent < 0) counts->failed++;
  else if (static_cast<size_t>(sent) < offered) counts->partial++;
  return sent;
}

bool Open(void*, size_t) { return true; }

WayCounts sendmsg_counts, send_counts;

ssize_t Sendmsg(int fd, const msghdr* message, int flags) {
  return Count(&sendmsg_counts, ::sendmsg(fd, message, flags), LengthOf(*message));
}

ssize_t Send(int fd, const msghdr* message, int flags) {
  const iovec& first = message->msg_iov[0];
  const ssize_t sent =
      message->msg_iovlen > 1 ? ::sendmsg(fd, message, flags) : ::send(fd, first.iov_base, first.iov_len, flags);
  return Count(&send_counts, sent, LengthOf(*message));
}

}  // namespace

const Way kSendmsgWay = {"sendmsg", Open, nullptr, Sendmsg, nullptr, nullptr, &sendmsg_counts};
const Way kSendWay = {"send", Open, nullptr, Send, nullptr, nullptr, &send_counts};

}  // namespace millrace
