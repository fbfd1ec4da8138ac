// io_uring_setup(2), io_uring_register(2), io_uring_enter(2).
#include "ring.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace millrace {

bool Ring::Open(unsigned entries) {
  io_uring_params params{};
  // One thread, and deferred work when it enters the kernel anyway: the cheapest mode there is that still works by itself.
  params.flags = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_CQSIZE;
  params.cq_entries = 4 * entries;
  fd_ = static_cast<int>(syscall(__NR_io_uring_setup, entries, &params));
  if (fd_ < 0) return false;
  entries_ = params.sq_entries;
  const auto map = [&](size_t length, off_t offset) {
    return static_cast<uint8_t*>(mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_, offset));
  };
  // Both rings are one mapping since Linux 5.4.
  const size_t sq_length = params.sq_off.array + params.sq_entries * sizeof(unsigned);
  const size_t cq_length = params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
  uint8_t* rings = map(sq_length > cq_length ? sq_length : cq_length, IORING_OFF_SQ_RING);
  uint8_t* sqes = map(params.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
  if (rings == MAP_FAILED || sqes == MAP_FAILED) return false;
  sq_tail_ = reinterpret_cast<unsigned*>(rings + params.sq_off.tail);
  auto* order = reinterpret_cast<unsigned*>(rings + params.sq_off.array);
  for (unsigned i = 0; i < params.sq_entries; i++) order[i] = i;
  cq_head_ = reinterpret_cast<unsigned*>(rings + params.cq_off.head);
  cq_tail_ = reinterpret_cast<unsigned*>(rings + params.cq_off.tail);
  cq_mask_ = *reinterpret_cast<unsigned*>(rings + params.cq_off.ring_mask);
  cqes_ = reinterpret_cast<io_uring_cqe*>(rings + params.cq_off.cqes);
  sqes_ = reinterpret_cast<io_uring_sqe*>(sqes);
  return true;
}

bool Ring::RegisterFiles(unsigned count) {
  io_uring_rsrc_register table{};
  table.nr = count;
  table.flags = IORING_RSRC_REGISTER_SPARSE;
  return syscall(__NR_io_uring_register, fd_, IORING_REGISTER_FILES2, &table, sizeof table) >= 0;
}

bool Ring::RegisterFile(int fd) {
  io_uring_files_update update{};
  update.offset = static_cast<unsigned>(fd);
  update.fds = reinterpret_cast<uint64_t>(&fd);
  return syscall(__NR_io_uring_register, fd_, IORING_REGISTER_FILES_UPDATE, &update, 1) == 1;
}

bool Ring::RegisterMemory(void* memory, size_t length) {
  const iovec part = {memory, length};
  return syscall(__NR_io_uring_register, fd_, IORING_REGISTER_BUFFERS, &part, 1) == 0;
}

io_uring_sqe* Ring::Next() {
  if (waiting_count() == entries_) return nullptr;
  io_uring_sqe* sqe = &sqes_[tail_++ & (entries_ - 1)];
  std::memset(sqe, 0, sizeof *sqe);
  return sqe;
}

bool Ring::Submit() {
  __atomic_store_n(sq_tail_, tail_, __ATOMIC_RELEASE);
  long taken;
  do {
    taken = syscall(__NR_io_uring_enter, fd_, waiting_count(), 0, IORING_ENTER_GETEVENTS, nullptr, 0);
  } while (taken < 0 && errno == EINTR);
  if (taken < 0) return false;
  submitted_ += static_cast<unsigned>(taken);
  return true;
}

}  // namespace millrace
