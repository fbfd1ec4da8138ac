// As much of io_uring as the bench needs, on the bare system calls: liburing is not on every machine.
#pragma once

#include <linux/io_uring.h>

#include <cstddef>
#include <cstdint>

namespace millrace {

class Ring {
 public:
  // False: errno says why not; EPERM where it is forbidden (seccomp, kernel.io_uring_disabled), ENOSYS where it is unknown.
  bool Open(unsigned entries);
  // So many descriptors may be registered, each at its own number.
  bool RegisterFiles(unsigned count);
  bool RegisterFile(int fd);
  bool RegisterMemory(void* memory, size_t length);
  // A request to fill in, cleared; null when all are in use.
  io_uring_sqe* Next();
  // One io_uring_enter for all that wait, which also lets the kernel finish what had to wait for its socket.
  bool Submit();
  unsigned waiting_count() const { return tail_ - submitted_; }

  template <typename Handle>
  void TakeCompletions(Handle handle) {
    unsigned head = *cq_head_;
    const unsigned tail = __atomic_load_n(cq_tail_, __ATOMIC_ACQUIRE);
    for (; head != tail; head++) handle(cqes_[head & cq_mask_]);
    __atomic_store_n(cq_head_, head, __ATOMIC_RELEASE);
  }

 private:
  int fd_ = -1;
  unsigned entries_ = 0;
  unsigned tail_ = 0;
  unsigned submitted_ = 0;
  unsigned* sq_tail_ = nullptr;
  unsigned* cq_head_ = nullptr;
  unsigned* cq_tail_ = nullptr;
  unsigned cq_mask_ = 0;
  io_uring_sqe* sqes_ = nullptr;
  io_uring_cqe* cqes_ = nullptr;
};

}  // namespace millrace
