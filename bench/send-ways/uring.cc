// io_uring: each sendmsg of the shard becomes a request, and one io_uring_enter at the end of the flush carries them all; with
// and without zero copy (IORING_OP_SEND_ZC).
//
// The shard wants to know at once how much a socket took. So it is told "everything", and that is made true: MSG_WAITALL has the
// kernel finish each message when its socket has room, and until then the socket takes no other one (ENOBUFS, which the shard
// tries again by itself). Given its best case: descriptors and the log's memory are registered, so that nothing is looked up or
// pinned for each message. As with MSG_ZEROCOPY, nothing here keeps the ring from being written under a message on its way.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "ring.h"
#include "way.h"

namespace millrace {

namespace {

constexpr unsigned kRequests = 4096;   // a flush of 2,000 cursors is one call
constexpr size_t kMostPieces = 8;      // of a message: one more where the ring wraps, and for each preamble that is skipped
constexpr uint64_t kLengthBits = 40;   // of a request's user data; the descriptor stands above them

struct Message {
  msghdr header;
  iovec pieces[kMostPieces];
};

WayCounts copying, lending;
Ring ring;
bool is_open = false;
std::vector<Message> messages;  // read by the kernel when they are submitted, and free again after that
size_t message_count = 0;
std::vector<WayCounts*> on_its_way;  // by descriptor: the way whose message has not been answered
const uint8_t* registered = nullptr;
size_t registered_length = 0;

bool Open(void* memory, size_t length) {
  if (is_open) return true;
  messages.resize(kRequests);
  on_its_way.assign(kMaxDescriptors, nullptr);
  registered = static_cast<uint8_t*>(memory);
  registered_length = length;
  const long most = sysconf(_SC_OPEN_MAX);
  is_open = ring.Open(kRequests) && ring.RegisterMemory(memory, length) &&
            ring.RegisterFiles(most < kMaxDescriptors ? static_cast<unsigned>(most) : kMaxDescriptors);
  return is_open;
}

void Accepted(int fd) {
  on_its_way[fd] = nullptr;
  if (ring.RegisterFile(fd)) return;
  perror("io_uring_register");
  exit(1);
}

void Complete(const io_uring_cqe& completion) {
  if ((completion.flags & IORING_CQE_F_NOTIF) != 0) {
    if ((static_cast<uint32_t>(completion.res) & IORING_NOTIF_USAGE_ZC_COPIED) != 0) lending.copied++;
    return;
  }
  const uint64_t length = completion.user_data & ((uint64_t{1} << kLengthBits) - 1);
  WayCounts*& way = on_its_way[completion.user_data >> kLengthBits];
  if (completion.res < 0) way->failed++;
  else if (static_cast<uint64_t>(completion.res) < length) way->partial++;
  way = nullptr;
}

void SubmitFor(WayCounts* counts) {
  if (ring.waiting_count() > 0) {
    counts->calls++;
    if (!ring.Submit()) {
      perror("io_uring_enter");
      exit(1);
    }
    message_count = 0;
  }
  ring.TakeCompletions(Complete);
}

ssize_t Queue(WayCounts* counts, int fd, const msghdr* message, int flags) {
  const bool is_lending = counts == &lending;
  if (on_its_way[fd] != nullptr) SubmitFor(counts);
  if (on_its_way[fd] != nullptr || message->msg_iovlen > kMostPieces) {
    counts->refused++;
    errno = ENOBUFS;
    return -1;
  }
  io_uring_sqe* request = ring.Next();
  if (request == nullptr) {
    SubmitFor(counts);
    request = ring.Next();
  }
  const size_t length = LengthOf(*message);
  const auto* first = static_cast<const uint8_t*>(message->msg_iov[0].iov_base);
  if (message->msg_iovlen == 1) {
    request->opcode = is_lending ? IORING_OP_SEND_ZC : IORING_OP_SEND;
    request->addr = reinterpret_cast<uint64_t>(first);
    request->len = static_cast<uint32_t>(length);
    const bool is_registered = first >= registered && first + length <= registered + registered_length;
    if (is_lending && is_registered) request->ioprio = IORING_RECVSEND_FIXED_BUF;
  } else {
    Message& copy = messages[message_count++];
    copy.header = *message;
    std::copy(message->msg_iov, message->msg_iov + message->msg_iovlen, copy.pieces);
    copy.header.msg_iov = copy.pieces;
    request->opcode = is_lending ? IORING_OP_SENDMSG_ZC : IORING_OP_SENDMSG;
    request->addr = reinterpret_cast<uint64_t>(&copy.header);
    request->len = 1;
  }
  if (is_lending) {
    request->ioprio |= IORING_SEND_ZC_REPORT_USAGE;
    counts->lent++;
  }
  request->fd = fd;
  request->flags = IOSQE_FIXED_FILE;
  request->msg_flags = static_cast<uint32_t>(flags | MSG_WAITALL);
  request->user_data = static_cast<uint64_t>(fd) << kLengthBits | length;
  on_its_way[fd] = counts;
  counts->messages++;
  return static_cast<ssize_t>(length);
}

ssize_t QueueCopying(int fd, const msghdr* message, int flags) { return Queue(&copying, fd, message, flags); }
ssize_t QueueLending(int fd, const msghdr* message, int flags) { return Queue(&lending, fd, message, flags); }
void SubmitCopying() { SubmitFor(&copying); }
void SubmitLending() { SubmitFor(&lending); }

}  // namespace

const Way kUringWay = {"uring", Open, Accepted, QueueCopying, SubmitCopying, nullptr, &copying};
// The descriptors were registered by the one before.
const Way kUringZeroCopyWay = {"uring-zerocopy", Open, nullptr, QueueLending, SubmitLending, nullptr, &lending};

}  // namespace millrace
