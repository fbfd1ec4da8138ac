// The loop over cursors: gather whole entries from the ring, one sendmsg for each cursor.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "shard.h"

namespace millrace {

namespace {

constexpr size_t kMaxGatherBytes = 256 * 1024;  // a GOP of 1 Mb/s
constexpr size_t kMaxIovecs = 256;              // Linux takes 1,024
constexpr int kMaxRounds = 16;                  // one join does not keep the others waiting

}  // namespace

int Shard::OpenLog(uint8_t* base, uint64_t capacity, uint64_t entry_capacity) {
  size_t id = 0;
  while (id < logs_.size() && logs_[id].is_open) id++;
  if (id == logs_.size()) logs_.emplace_back();
  logs_[id].is_open = true;
  logs_[id].unflushed_connections = 0;
  logs_[id].unflushed_players = 0;
  AttachLog(static_cast<int>(id), base, capacity, entry_capacity);
  return static_cast<int>(id);
}

void Shard::AttachLog(int log, uint8_t* base, uint64_t capacity, uint64_t entry_capacity) {
  logs_[log].log.Attach(base, capacity, entry_capacity);
  logs_[log].log.Refresh();
  Forget();
}

// What was gathered of any log.
void Shard::Forget() {
  gathered_log_ = -1;
  datagrams_.Forget();
}

void Shard::ReplaceLog(int log, uint8_t* base, uint64_t capacity, uint64_t entry_capacity, double now_ms) {
  now_ms_ = now_ms;
  LogSlot& slot = logs_[log];
  slot.log.Refresh();
  // Backwards, because a connection that is closed takes itself out.
  for (size_t i = slot.connections.size(); i-- > 0;) {
    const int id = slot.connections[i];
    Connection& c = connections_[id];
    // What its socket takes at once of the old log, it gets; what was begun is finished in any case.
    if (!c.is_blocked) Drain(id);
    if (c.fd < 0 || c.log != log) continue;
    if (c.entry_offset > 0 && !Rescue(&c)) Evict(id);
  }
  datagrams_.Flush(log, now_ms, true, SIZE_MAX);
  AttachLog(log, base, capacity, entry_capacity);
  datagrams_.StartOver(log);
  for (const int id : slot.connections) cursors_.Place(connections_[id].cursor, slot.log, slot.log.RandomAccessEntry());
}

void Shard::CloseLog(int log) {
  while (!logs_[log].connections.empty()) StopPlaying(logs_[log].connections.back());
  while (!logs_[log].players.empty()) datagrams_.StopPlaying(logs_[log].players.back());
  logs_[log].is_open = false;
  Forget();
}

void Shard::Play(int id, int log, int cursor, double now_ms) {
  now_ms_ = now_ms;
  StopPlaying(id);
  if (Get(id) != nullptr) SetPaced(id, false);
  Connection* c = Get(id);
  if (c == nullptr || c->is_ending) {
    events_.Emit(kEventCursorFree, id, cursor, 0);
    return;
  }
  LogSlot& slot = logs_[log];
  c->log = log;
  c->cursor = cursor;
  c->log_slot = static_cast<uint32_t>(slot.connections.size());
  slot.connections.push_back(id);
  MarkProgress(*c);
}

void Shard::StartPlaying(int id, double now_ms) {
  now_ms_ = now_ms;
  gathered_log_ = -1;
  Wake(id);
}

void Shard::StopPlaying(int id) {
  Connection* c = Get(id);
  if (c == nullptr || c->log < 0) return;
  // What was begun is finished: the rest of the entry goes before everything that comes later.
  if (c->entry_offset > 0 && !Rescue(c)) return Evict(id);
  Detach(id, c);
}

void Shard::Detach(int id, Connection* c) {
  if (c->log < 0) return;
  LogSlot& slot = logs_[c->log];
  const int last = slot.connections.back();
  slot.connections[c->log_slot] = last;
  connections_[last].log_slot = c->log_slot;
  slot.connections.pop_back();
  events_.Emit(kEventCursorFree, id, c->cursor, 0);
  c->log = -1;
  c->cursor = -1;
  c->entry_offset = 0;
  c->is_finishing = false;
  c->is_paused = false;
}

void Shard::Pause(int id, bool is_paused, double now_ms) {
  now_ms_ = now_ms;
  Connection* c = Get(id);
  if (c == nullptr || c->log < 0 || c->is_paused == is_paused) return;
  c->is_paused = is_paused;
  if (is_paused) return;
  Log& log = logs_[c->log].log;
  log.Refresh();
  if (c->entry_offset > 0 && !Rescue(c)) return Evict(id);
  cursors_.Place(c->cursor, log, log.RandomAccessEntry());
  Wake(id);
}

void Shard::Finish(int id, double now_ms) {
  now_ms_ = now_ms;
  Connection* c = Get(id);
  if (c == nullptr || c->log < 0) return;
  c->is_finishing = true;
  c->is_paused = false;
  Wake(id);
}

size_t Shard::Flush(int log_id, const LagLimits& limits, double now_ms, bool is_new_round, size_t most) {
  now_ms_ = now_ms;
  cursors_.limits = limits;
  LogSlot& slot = logs_[log_id];
  slot.log.Refresh();
  gathered_log_ = -1;
  // Backwards, because a connection that is closed takes itself out, and the last one takes its place: between two parts of a
  // round somebody may come twice by it, nobody is left out.
  size_t& left = slot.unflushed_connections;
  left = is_new_round ? slot.connections.size() : std::min(left, slot.connections.size());
  for (; left > 0 && most > 0; most--) {
    const int id = slot.connections[--left];
    Connection& c = connections_[id];
    if (!c.is_blocked) {
      Drain(id);
    } else if (c.entry_offset > 0 && !slot.log.IsSafe(cursors_.EntryOf(c.cursor)) && !Rescue(&c)) {
      Evict(id);
    }
  }
  return left + datagrams_.Flush(log_id, now_ms, is_new_round, most);
}

void Shard::Wake(int id) {
  const Connection* c = Get(id);
  if (c == nullptr || c->is_blocked) return;
  if (c->log >= 0) logs_[c->log].log.Refresh();
  Drain(id);
}

void Shard::Drain(int id) {
  Connection* c = Get(id);
  for (int round = 0; c != nullptr && !c->is_blocked; round++, c = Get(id)) {
    if (round == kMaxRounds) return DrainLater(id, c);
    if (c->entry_offset > 0) {
      if (!SendRest(id, c)) return;
      continue;
    }
    if (c->queue != nullptr) {
      if (!SendQueue(id, c)) return;
      continue;
    }
    if (c->log < 0 || c->is_paused) break;
    double skipped = 0;
    const auto step = cursors_.Step(c->cursor, logs_[c->log].log, now_ms_, &skipped);
    if (step == Cursors::kEvicted) return Evict(id);
    if (step == Cursors::kJumped) {
      counters.jumps++;
      events_.Emit(kEventLag, id, c->cursor, skipped);
      continue;
    }
    if (step == Cursors::kIdle) {
      if (c->is_finishing) {
        events_.Emit(kEventFinished, id, c->cursor, 0);
        Detach(id, c);
      }
      break;
    }
    if (!SendEntries(id, c)) return;
  }
  if (c != nullptr && !c->is_blocked) AfterDrained(id, c);
}

// No flush need follow (a log that has ended gets none), so it asks for a turn of its own.
void Shard::DrainLater(int id, Connection* c) {
  if (c->is_queued_to_send) return;
  c->is_queued_to_send = true;
  if (to_send_.empty()) events_.Emit(kEventMore, id, 0, 0);
  to_send_.push_back(id);
}

// Bytes that the socket took; -1: the connection is blocked or gone.
ssize_t Shard::Write(int id, Connection* c, const iovec* parts, size_t count, int flags) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = count;
  ssize_t sent;
  do {
    sent = sys_->sendmsg(c->fd, &message, MSG_NOSIGNAL | flags);
  } while (sent < 0 && errno == EINTR);
  counters.sends++;
  if (sent >= 0) {
    c->is_starved = false;
    c->sent_bytes += static_cast<double>(sent);
    counters.sent_bytes += static_cast<double>(sent);
    return sent;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    c->is_starved = false;
    Block(c);
  } else if (errno == ENOBUFS || errno == ENOMEM) {
    if (!c->is_starved) MarkProgress(*c);
    c->is_starved = true;
    c->is_blocked = true;
  } else {
    Fail(id, errno);
  }
  return -1;
}

// The time that a peer may take nothing begins now, however long there was nothing to take.
void Shard::Block(Connection* c) {
  c->is_blocked = true;
  MarkProgress(*c);
}

void Shard::MarkProgress(const Connection& c) {
  if (c.cursor >= 0) cursors_.MarkProgress(c.cursor, now_ms_);
}

bool Shard::IsAboutToStart(const Connection& c) const {
  if (c.log < 0 || c.is_paused || !cursors_.IsStarting(c.cursor)) return false;
  const Log& log = logs_[c.log].log;
  const int64_t entry = cursors_.EntryOf(c.cursor);
  return log.IsReachable(entry) && entry < log.entry_tail();
}

bool Shard::SendQueue(int id, Connection* c) {
  ControlQueue& queue = *c->queue;
  const iovec part = {const_cast<uint8_t*>(queue.data()), queue.size()};
  // The answer to a player and its first media in one packet: the peer is woken once.
  const ssize_t sent = Write(id, c, &part, 1, IsAboutToStart(*c) ? MSG_MORE : 0);
  if (sent < 0) return false;
  queue.offset += static_cast<size_t>(sent);
  counters.queued_bytes -= static_cast<double>(sent);
  if (queue.size() > 0) {
    Block(c);
    return false;
  }
  DropQueue(c);  // most connections never need one again
  c->is_held = false;
  return true;
}

void Shard::Gather(const Log& log, int log_id, int64_t entry, bool is_starting) {
  if (gathered_log_ == log_id && gathered_entry_ == entry && gathered_starting_ == is_starting) return;
  gathered_.clear();
  gathered_bytes_ = 0;
  int64_t at = entry;
  for (; at < log.entry_tail() && gathered_bytes_ < kMaxGatherBytes && gathered_.size() < kMaxIovecs - 1; at++) {
    if (log.IsSkipped(at, is_starting && at == entry)) continue;
    log.AddIovecs(at, 0, &gathered_);
    gathered_bytes_ += log.LengthOf(at);
  }
  gathered_log_ = log_id;
  gathered_entry_ = entry;
  gathered_starting_ = is_starting;
  gathered_end_ = at;
}

// Only the rest of this entry: control bytes may wait behind it.
bool Shard::SendRest(int id, Connection* c) {
  const Log& log = logs_[c->log].log;
  const auto entry = cursors_.EntryOf(c->cursor);
  if (!log.IsSafe(entry)) {
    if (Rescue(c)) return true;
    Evict(id);
    return false;
  }
  const int64_t position = log.PositionOf(entry);
  const uint32_t length = log.LengthOf(entry);
  scratch_.clear();
  log.AddIovecs(entry, c->entry_offset, &scratch_);
  const ssize_t sent = scratch_.empty() ? 0 : Write(id, c, scratch_.data(), scratch_.size());
  if (sent < 0) return false;
  cursors_.columns.sent_bytes[c->cursor] += static_cast<double>(sent);
  c->entry_offset += static_cast<uint32_t>(sent);
  const bool is_whole = c->entry_offset >= length;
  if (is_whole) c->entry_offset = 0;
  MoveTo(*c, log, is_whole ? entry + 1 : entry);
  if (!log.IsIntact(entry, position)) {
    Evict(id);  // the writer was faster than this call: some of what was sent is not what it was
    return false;
  }
  if (!is_whole) Block(c);
  return is_whole;
}

bool Shard::SendEntries(int id, Connection* c) {
  const Log& log = logs_[c->log].log;
  const auto start = cursors_.EntryOf(c->cursor);
  const int64_t start_position = log.PositionOf(start);
  const bool is_starting = cursors_.IsStarting(c->cursor);
  Gather(log, c->log, start, is_starting);
  const ssize_t sent = gathered_bytes_ == 0 ? 0 : Write(id, c, gathered_.data(), gathered_.size());
  if (sent < 0) return false;
  cursors_.columns.sent_bytes[c->cursor] += static_cast<double>(sent);
  const bool is_all = static_cast<size_t>(sent) == gathered_bytes_;
  // Forward by the whole entries that have left; of the next one, a part has.
  int64_t entry = is_all ? gathered_end_ : start;
  size_t left = is_all ? 0 : static_cast<size_t>(sent);
  for (; entry < gathered_end_; entry++) {
    if (log.IsSkipped(entry, is_starting && entry == start)) continue;
    const size_t length = log.LengthOf(entry);
    if (left < length) break;
    left -= length;
  }
  c->entry_offset = static_cast<uint32_t>(left);
  if (entry > start || left > 0) MoveTo(*c, log, entry);
  // After the last look at a record, too: a torn length would have put the cursor anywhere.
  if (!log.IsIntact(start, start_position)) {
    Evict(id);
    return false;
  }
  if (!is_all) Block(c);
  return is_all;
}

// The rest of a begun entry into private memory, so that the cursor stands between entries again. Rare: a slow player that
// the writer comes near to, or one that stops. False: it has been overwritten, and the connection is past saving.
bool Shard::Rescue(Connection* c) {
  const Log& log = logs_[c->log].log;
  const auto entry = cursors_.EntryOf(c->cursor);
  const int64_t position = log.PositionOf(entry);
  scratch_.clear();
  log.AddIovecs(entry, c->entry_offset, &scratch_);
  auto rest = std::make_unique<ControlQueue>();
  for (const iovec& part : scratch_) {
    const auto* bytes = static_cast<const uint8_t*>(part.iov_base);
    rest->bytes.insert(rest->bytes.end(), bytes, bytes + part.iov_len);
  }
  rest->rescued_bytes = rest->size();
  counters.queued_bytes += static_cast<double>(rest->size());
  if (c->queue != nullptr) rest->bytes.insert(rest->bytes.end(), c->queue->data(), c->queue->data() + c->queue->size());
  c->queue = std::move(rest);
  c->entry_offset = 0;
  MoveTo(*c, log, entry + 1);
  return log.IsIntact(entry, position);
}

void Shard::Evict(int id) {
  counters.evicted++;
  events_.Emit(kEventEvicted, id, connections_[id].cursor, 0);
  Close(id, 0);
}

}  // namespace millrace
