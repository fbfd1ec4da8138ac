// A shard on fake system calls: peers that take as much as they are told to, and a table of cursors as JavaScript has it.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "../src/shard.h"
#include "check.h"
#include "log_writer.h"

namespace millrace {

// What the next sendmsg does: takes up to so many bytes, or fails with an errno below zero.
using Answer = int64_t;
constexpr Answer kEverything = INT64_MAX;

struct Peer {
  int id = -1;
  int far_end = -1;
  std::string received;
  std::deque<Answer> answers;             // one for each call; then...
  std::function<Answer(size_t)> behave;   // ...this, given what is offered, or everything is taken
  size_t call_count = 0;
  std::vector<bool> more_follows;         // of each call, whether it said MSG_MORE
  // What JavaScript was told.
  bool is_closed = false;
  int close_error = -1;
  bool is_evicted = false;
  bool is_finished = false;
  bool is_connected = false;
  bool is_peer_ended = false;
  double brought_bytes = 0;               // what it has sent, as JavaScript was told
  int lag_count = 0;
  double skipped_bytes = 0;
};

class World {
 public:
  static constexpr int kCursors = 64;

  // A cursor takes six 64-bit numbers, and two 32-bit words that are as long as a seventh.
  World()
      : received_(1 << 16),
        cursors_(7 * kCursors),
        columns_(CursorColumns::Over(reinterpret_cast<uint8_t*>(cursors_.data()), kCursors)),
        shard(&kFakes, received_.data(), received_.size(), received_.size()) {
    current_ = this;
    shard.SetCursors(columns_);
  }

  ~World() {
    for (auto& [id, peer] : peers_) {
      if (peer->far_end >= 0) close(peer->far_end);
    }
    current_ = nullptr;
  }

  Peer& Connect() {
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    const int id = shard.Adopt(ends[0]);
    CHECK(id >= 0);
    close(ends[0]);
    CHECK(peers_.count(id) == 0 || peers_[id]->is_closed);
    if (peers_.count(id) != 0) Forget(id);
    auto peer = std::make_unique<Peer>();
    peer->id = id;
    peer->far_end = ends[1];
    Peer& made = *peer;
    peers_[id] = std::move(peer);
    Poll();  // the first edge says that it can be written: what is blocked later is woken by Wake alone
    return made;
  }

  // A peer that we connect to. It answers, like the socket pair that stands for it, when there is room to write.
  Peer& ConnectOut(int error_at_once = 0) {
    connect_error_ = error_at_once;
    const int id = shard.Connect("192.0.2.1", 1935, "");
    auto peer = std::make_unique<Peer>();
    peer->id = id;
    peer->far_end = connect_far_end_;
    connect_far_end_ = -1;
    Peer& made = *peer;
    if (peers_.count(id) != 0) Forget(id);
    peers_[id] = std::move(peer);
    return made;
  }

  void Forget(int id) {
    if (peers_[id]->far_end >= 0) close(peers_[id]->far_end);
    peers_.erase(id);
  }

  int OpenLog(const LogWriter& log) { return shard.OpenLog(log.base(), log.capacity(), log.entry_capacity()); }

  // As CursorTable.open does.
  int Play(const Peer& peer, int log_id, const LogWriter& writer) {
    Log log;
    log.Attach(writer.base(), writer.capacity(), writer.entry_capacity());
    log.Refresh();
    int cursor = 0;
    while (used_.count(cursor) != 0) cursor++;
    CHECK(cursor < kCursors);
    used_.insert(cursor);
    const int64_t entry = log.RandomAccessEntry();
    columns_.entries[cursor] = static_cast<double>(entry < 0 ? log.entry_tail() : entry);
    columns_.positions[cursor] = static_cast<double>(entry < 0 ? log.tail() : log.PositionOf(entry));
    columns_.flags[cursor] = static_cast<uint32_t>(kCursorInUse | (entry < 0 ? kCursorWaiting : kCursorStarting));
    columns_.jump_counts[cursor] = 0;
    columns_.sent_bytes[cursor] = columns_.skipped_bytes[cursor] = 0;
    columns_.progress_at_ms[cursor] = columns_.jumped_at_ms[cursor] = now_ms;
    shard.Play(peer.id, log_id, cursor, now_ms);
    return cursor;
  }

  void Flush(int log) { FlushSome(log, true, SIZE_MAX); }

  size_t FlushSome(int log, bool is_new_round, size_t most) {
    const size_t left = shard.Flush(log, limits, now_ms, is_new_round, most);
    TakeEvents();
    return left;
  }

  void Send(const Peer& peer, const std::string& bytes, size_t max_queued = 1 << 20) {
    shard.Send(peer.id, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), max_queued);
    TakeEvents();
  }

  // The socket can be written again: any edge reports that, and a byte that comes in makes one.
  void Wake(const Peer& peer) {
    if (!peer.is_closed) CHECK(write(peer.far_end, "x", 1) == 1 || errno == EPIPE);
    Poll();
  }

  void Poll() {
    while (shard.Poll(now_ms)) TakeEvents();
    TakeEvents();
  }

  // Paced connections that wait are read, too.
  void PollAll() {
    while (shard.Poll(now_ms, true)) TakeEvents();
    TakeEvents();
  }

  void Sweep() {
    shard.Sweep(limits, now_ms);
    TakeEvents();
  }

  void TakeEvents() {
    double batch[5 * 4];
    bool has_more = false;
    for (;;) {
      const size_t count = shard.TakeEvents(batch, 5);
      if (count == 0) break;
      for (size_t i = 0; i < count; i++) has_more |= Handle(batch + i * 4);
    }
    if (has_more) Poll();
  }

  size_t cursor_count() const { return used_.size(); }
  const CursorColumns& columns() const { return columns_; }

  double now_ms = 1000;
  LagLimits limits{5, 1e9, 15000, 60000};
  int accept_error = 0;
  int option_error = 0;  // what SO_ERROR says
  std::vector<int> accepted;
  std::map<int, std::string> heard;  // by connection

 private:
  bool Handle(const double* event) {
    const auto type = static_cast<int64_t>(event[0]);
    if (type == kEventCursorFree) {
      CHECK(used_.erase(static_cast<int>(event[2])) == 1);
      return false;
    }
    if (type == kEventMore) return true;
    const int id = static_cast<int>(event[1]);
    if (type == kEventAccept) accepted.push_back(id);
    if (type == kEventData) heard[id] += std::string(received_.begin() + static_cast<int>(event[2]), received_.begin() + static_cast<int>(event[2] + event[3]));
    if (peers_.count(id) == 0) return false;
    Peer& peer = *peers_[id];
    CHECK(!peer.is_closed);
    if (type == kEventClosed) {
      peer.is_closed = true;
      peer.close_error = static_cast<int>(event[2]);
    } else if (type == kEventData) {
      peer.brought_bytes += event[3];
    } else if (type == kEventEvicted) {
      peer.is_evicted = true;
    } else if (type == kEventFinished) {
      peer.is_finished = true;
    } else if (type == kEventConnected) {
      CHECK(!peer.is_connected);
      peer.is_connected = true;
    } else if (type == kEventPeerEnded) {
      peer.is_peer_ended = true;
    } else if (type == kEventLag) {
      peer.lag_count++;
      peer.skipped_bytes += event[3];
    }
    return false;
  }

  static ssize_t FakeSendmsg(int fd, const msghdr* message, int flags) {
    Peer* peer = current_->PeerOf(fd);
    CHECK(peer != nullptr);
    CHECK(message->msg_iovlen > 0 && message->msg_iovlen <= 1024);
    size_t offered = 0;
    for (size_t i = 0; i < message->msg_iovlen; i++) offered += message->msg_iov[i].iov_len;
    CHECK(offered > 0);
    peer->call_count++;
    peer->more_follows.push_back((flags & MSG_MORE) != 0);
    Answer answer = kEverything;
    if (!peer->answers.empty()) {
      answer = peer->answers.front();
      peer->answers.pop_front();
    } else if (peer->behave) {
      answer = peer->behave(offered);
    }
    if (answer < 0) {
      errno = static_cast<int>(-answer);
      return -1;
    }
    size_t left = std::min<size_t>(static_cast<size_t>(answer), offered);
    const auto taken = static_cast<ssize_t>(left);
    for (size_t i = 0; i < message->msg_iovlen && left > 0; i++) {
      const size_t length = std::min(left, message->msg_iov[i].iov_len);
      peer->received.append(static_cast<const char*>(message->msg_iov[i].iov_base), length);
      left -= length;
    }
    return taken;
  }

  static int FakeAccept4(int fd, sockaddr* address, socklen_t* length, int flags) {
    if (current_->accept_error == 0) return accept4(fd, address, length, flags);
    errno = current_->accept_error;
    return -1;
  }

  // Puts a full socket pair in the place of the socket.
  static int FakeConnect(int fd, const sockaddr*, socklen_t) {
    errno = current_->connect_error_;
    if (errno != 0) return -1;
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    const std::string filling(65536, 'x');
    while (write(ends[0], filling.data(), filling.size()) > 0) continue;
    CHECK(dup2(ends[0], fd) == fd);
    close(ends[0]);
    current_->connect_far_end_ = ends[1];
    errno = EINPROGRESS;
    return -1;
  }

  static int FakeGetsockopt(int fd, int level, int option, void* value, socklen_t* length) {
    CHECK(level == SOL_SOCKET && option == SO_ERROR && *length == sizeof(int));
    CHECK(getsockopt(fd, level, option, value, length) == 0);
    *static_cast<int*>(value) = current_->option_error;
    return 0;
  }

  Peer* PeerOf(int fd) {
    for (auto& [id, peer] : peers_) {
      if (shard.Find(id)->fd == fd) return peer.get();
    }
    return nullptr;
  }

  static constexpr Syscalls kFakes = {FakeSendmsg, ::recv, FakeAccept4, FakeConnect, FakeGetsockopt, ::sendmmsg, ::recvmmsg};
  static inline World* current_ = nullptr;  // a table of functions has no place for it

  int connect_error_ = 0;
  int connect_far_end_ = -1;
  std::vector<uint8_t> received_;
  std::vector<double> cursors_;
  CursorColumns columns_;
  std::set<int> used_;
  std::map<int, std::unique_ptr<Peer>> peers_;

 public:
  Shard shard;
};

}  // namespace millrace
