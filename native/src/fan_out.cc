// The loop over cursors: gather whole entries from the ring, one sendmsg for each cursor.
// The rules of lag are those of src/kernel/cursor-table.ts.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "shard.h"

namespace millrace {

namespace {

enum StepResult { kIdle, kReady, kJumped, kEvicted };

constexpr size_t kMaxGatherBytes = 256 * 1024;  // a GOP of 1 Mb/s
constexpr size_t kMaxIovecs = 256;              // Linux takes 1,024
constexpr int kMaxRounds = 16;                  // one join does not keep the others waiting

}  // namespace

int Shard::OpenLog(uint8_t* base, uint64_t capacity, uint64_t entry_capacity) {
  size_t id = 0;
  while (id < logs_.size() && logs_[id].is_open) id++;
  if (id == logs_.size()) logs_.emplace_back();
  logs_[id].is_open = true;
  AttachLog(static_cast<int>(id), base, capacity, entry_capacity);
  return static_cast<int>(id);
}

void Shard::AttachLog(int log, uint8_t* base, uint64_t capacity, uint64_t entry_capacity) {
  logs_[log].log.Attach(base, capacity, entry_capacity);
  logs_[log].log.Refresh();
  gathered_log_ = -1;
}

void Shard::CloseLog(int log) {
  logs_[log].is_open = false;
  logs_[log].connections.clear();
  gathered_log_ = -1;
}

void Shard::Play(int id, int log, int cursor, double now_ms) {
  Connection* c = Get(id);
  if (c == nullptr) {
    Emit(kEventCursorFree, id, cursor, 0);
    return;
  }
  StopPlaying(id);
  LogSlot& slot = logs_[log];
  c->log = log;
  c->cursor = cursor;
  c->log_slot = static_cast<uint32_t>(slot.connections.size());
  slot.connections.push_back(id);
  cursors_.progress_at_ms[cursor] = now_ms;
}

void Shard::StopPlaying(int id) {
  Connection* c = Get(id);
  if (c == nullptr || c->log < 0) return;
  LogSlot& slot = logs_[c->log];
  // What was begun is finished: the rest of the entry goes before everything that comes later.
  if (c->entry_offset > 0) Rescue(c, slot.log);
  const int last = slot.connections.back();
  slot.connections[c->log_slot] = last;
  connections_[last].log_slot = c->log_slot;
  slot.connections.pop_back();
  Emit(kEventCursorFree, id, c->cursor, 0);
  c->log = -1;
  c->cursor = -1;
  c->is_finishing = false;
  c->is_paused = false;
}

void Shard::Pause(int id, bool is_paused, double now_ms) {
  Connection* c = Get(id);
  if (c == nullptr || c->log < 0 || c->is_paused == is_paused) return;
  c->is_paused = is_paused;
  if (is_paused) return;
  Log& log = logs_[c->log].log;
  log.Refresh();
  gathered_log_ = -1;
  if (c->entry_offset > 0) Rescue(c, log);
  Place(*c, log, log.RandomAccessEntry());
  if (!c->is_blocked) Drain(id, now_ms);
}

void Shard::Finish(int id, double now_ms) {
  Connection* c = Get(id);
  if (c == nullptr || c->log < 0) return;
  c->is_finishing = true;
  c->is_paused = false;
  logs_[c->log].log.Refresh();
  gathered_log_ = -1;
  if (!c->is_blocked) Drain(id, now_ms);
}

void Shard::Flush(int log_id, const LagLimits& limits, double now_ms) {
  LogSlot& slot = logs_[log_id];
  limits_ = limits;
  slot.log.Refresh();
  gathered_log_ = -1;
  // Backwards, because a connection that is closed takes the last one's place.
  for (size_t i = slot.connections.size(); i-- > 0;) {
    if (i >= slot.connections.size()) continue;
    const int id = slot.connections[i];
    Connection& c = connections_[id];
    if (!c.is_blocked) {
      Drain(id, now_ms);
    } else if (c.entry_offset > 0 && !slot.log.IsReachable(static_cast<int64_t>(cursors_.entries[c.cursor]))) {
      Rescue(&c, slot.log);
    }
  }
}

void Shard::Drain(int id, double now_ms) {
  Connection* c = Get(id);
  for (int round = 0; c != nullptr && !c->is_blocked; round++, c = Get(id)) {
    if (c->entry_offset == 0 && c->queue.size() > c->queue_offset) {
      if (!SendQueue(id, c)) return;
      continue;
    }
    if (c->log < 0 || (c->is_paused && c->entry_offset == 0)) break;
    if (c->entry_offset == 0) {
      const int step = Step(id, *c, logs_[c->log].log, now_ms);
      if (step == kEvicted) return Evict(id);
      if (step == kJumped) continue;
      if (step == kIdle) {
        if (c->is_finishing) {
          StopPlaying(id);
          Emit(kEventFinished, id, 0, 0);
        }
        break;
      }
    }
    if (round >= kMaxRounds) return; // goes on with the next flush
    if (!SendFromLog(id, c, now_ms)) return;
  }
  if (c != nullptr && !c->is_blocked) AfterDrained(id, c, now_ms);
}

bool Shard::SendQueue(int id, Connection* c) {
  iovec part = {c->queue.data() + c->queue_offset, c->queue.size() - c->queue_offset};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const ssize_t sent = sys_->sendmsg(c->fd, &message, MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno == EINTR) return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) {
      Fail(id, errno);
    } else {
      c->is_blocked = true;
    }
    return false;
  }
  c->sent_bytes += static_cast<double>(sent);
  counters.sent_bytes += static_cast<double>(sent);
  c->queue_offset += static_cast<size_t>(sent);
  if (c->queue_offset < c->queue.size()) {
    c->is_blocked = true;
    return false;
  }
  std::vector<uint8_t>().swap(c->queue); // most connections never need one again
  c->queue_offset = 0;
  return true;
}

void Shard::Gather(const Log& log, int log_id, int64_t entry, bool is_starting) {
  if (gathered_log_ == log_id && gathered_entry_ == entry && gathered_starting_ == is_starting) return;
  gathered_.clear();
  gathered_bytes_ = 0;
  int64_t at = entry;
  for (; at < log.entry_tail() && gathered_bytes_ < kMaxGatherBytes && gathered_.size() < kMaxIovecs - 1; at++) {
    if ((log.FlagsOf(at) & static_cast<uint32_t>(kEntryPreamble)) != 0 && !(is_starting && at == entry)) continue;
    log.AddIovecs(at, 0, &gathered_);
    gathered_bytes_ += log.LengthOf(at);
  }
  gathered_log_ = log_id;
  gathered_entry_ = entry;
  gathered_starting_ = is_starting;
  gathered_end_ = at;
}

// False: the connection is blocked or gone.
bool Shard::SendFromLog(int id, Connection* c, double now_ms) {
  const int cursor = c->cursor;
  const Log& log = logs_[c->log].log;
  const auto start = static_cast<int64_t>(cursors_.entries[cursor]);
  const int64_t start_position = log.PositionOf(start);
  const bool is_starting = (cursors_.flags[cursor] & kCursorStarting) != 0;
  const bool is_rest = c->entry_offset > 0;
  if (is_rest) {
    // Only the rest of this entry: control bytes may wait behind it.
    scratch_.clear();
    log.AddIovecs(start, c->entry_offset, &scratch_);
  } else {
    Gather(log, c->log, start, is_starting);
  }
  const std::vector<iovec>& parts = is_rest ? scratch_ : gathered_;
  const int64_t end = is_rest ? start + 1 : gathered_end_;
  const size_t wanted = is_rest ? log.LengthOf(start) - c->entry_offset : gathered_bytes_;
  size_t sent = 0;
  if (wanted > 0) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = parts.size();
    const ssize_t result = sys_->sendmsg(c->fd, &message, MSG_NOSIGNAL);
    counters.sends++;
    if (result < 0) {
      if (errno == EINTR) return true;
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
        c->is_blocked = true;
      } else {
        Fail(id, errno);
      }
      return false;
    }
    if (!log.IsIntact(start, start_position)) {
      Evict(id);  // the writer was faster than this call: some of what was sent is not what it was
      return false;
    }
    sent = static_cast<size_t>(result);
    c->sent_bytes += static_cast<double>(sent);
    counters.sent_bytes += static_cast<double>(sent);
    cursors_.sent_bytes[cursor] += static_cast<double>(sent);
    if (sent > 0) cursors_.progress_at_ms[cursor] = now_ms;
  }
  if (sent == wanted) {
    c->entry_offset = 0;
    MoveTo(*c, log, end);
    return true;
  }
  c->is_blocked = true;
  if (is_rest) {
    c->entry_offset += static_cast<uint32_t>(sent);
    return false;
  }
  if (sent == 0) return false;
  // Forward by the whole entries that have left; of the next one, a part has.
  int64_t entry = start;
  for (size_t left = sent;; entry++) {
    if ((log.FlagsOf(entry) & static_cast<uint32_t>(kEntryPreamble)) != 0 && !(is_starting && entry == start)) continue;
    const size_t length = log.LengthOf(entry);
    if (left < length) {
      c->entry_offset = static_cast<uint32_t>(left);
      break;
    }
    left -= length;
  }
  MoveTo(*c, log, entry);
  return false;
}

void Shard::MoveTo(const Connection& c, const Log& log, int64_t entry) {
  cursors_.entries[c.cursor] = static_cast<double>(entry);
  cursors_.positions[c.cursor] = static_cast<double>(log.PositionOf(entry) + c.entry_offset);
  cursors_.flags[c.cursor] &= ~static_cast<uint32_t>(kCursorStarting);
}

// The rest of a begun entry into private memory, so that the cursor stands between entries again. Rare: a slow player that
// the writer comes near to, or one that stops.
void Shard::Rescue(Connection* c, const Log& log) {
  const auto entry = static_cast<int64_t>(cursors_.entries[c->cursor]);
  scratch_.clear();
  log.AddIovecs(entry, c->entry_offset, &scratch_);
  std::vector<uint8_t> rest;
  for (const iovec& part : scratch_) {
    const auto* bytes = static_cast<const uint8_t*>(part.iov_base);
    rest.insert(rest.end(), bytes, bytes + part.iov_len);
  }
  rest.insert(rest.end(), c->queue.begin() + static_cast<std::ptrdiff_t>(c->queue_offset), c->queue.end());
  c->queue.swap(rest);
  c->queue_offset = 0;
  c->entry_offset = 0;
  MoveTo(*c, log, entry + 1);
}

int Shard::Step(int id, const Connection& c, const Log& log, double now_ms) {
  const int cursor = c.cursor;
  if ((cursors_.flags[cursor] & kCursorWaiting) != 0) {
    const int64_t found = log.RandomAccessEntry();
    if (found < static_cast<int64_t>(cursors_.entries[cursor])) {
      cursors_.progress_at_ms[cursor] = now_ms;
      return kIdle;
    }
    Place(c, log, found);
  }
  const auto entry = static_cast<int64_t>(cursors_.entries[cursor]);
  if (!log.IsReachable(entry)) return Jump(id, c, log, now_ms);
  if (now_ms - cursors_.jumped_at_ms[cursor] > limits_.forgive_after_ms) {
    cursors_.jump_counts[cursor] = 0;
    cursors_.skipped_bytes[cursor] = 0;
    cursors_.jumped_at_ms[cursor] = now_ms;
  }
  if (entry < log.entry_tail()) return kReady;
  cursors_.progress_at_ms[cursor] = now_ms;
  return kIdle;
}

int Shard::Jump(int id, const Connection& c, const Log& log, double now_ms) {
  const int cursor = c.cursor;
  const int64_t target = log.RandomAccessEntry();
  const int64_t position = target < 0 ? log.tail() : log.PositionOf(target);
  const double skipped = static_cast<double>(position) - cursors_.positions[cursor];
  cursors_.jump_counts[cursor]++;
  cursors_.skipped_bytes[cursor] += skipped;
  cursors_.jumped_at_ms[cursor] = now_ms;
  if (cursors_.jump_counts[cursor] > limits_.max_jumps || cursors_.skipped_bytes[cursor] > limits_.max_skipped_bytes) {
    return kEvicted;
  }
  Place(c, log, target);
  counters.jumps++;
  Emit(kEventLag, id, skipped, 0);
  return kJumped;
}

void Shard::Place(const Connection& c, const Log& log, int64_t entry) {
  const int cursor = c.cursor;
  const bool is_waiting = entry < 0;
  cursors_.entries[cursor] = static_cast<double>(is_waiting ? log.entry_tail() : entry);
  cursors_.positions[cursor] = static_cast<double>(is_waiting ? log.tail() : log.PositionOf(entry));
  cursors_.flags[cursor] = static_cast<uint32_t>(kCursorInUse | (is_waiting ? kCursorWaiting : kCursorStarting));
}

void Shard::Evict(int id) {
  counters.evicted++;
  Emit(kEventEvicted, id, 0, 0);
  Close(id, 0);
}

}  // namespace millrace
