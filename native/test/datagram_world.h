// A shard on fake sends of datagrams: a network that takes, refuses or loses what it is told to, and a table of cursors.
#pragma once

#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "../src/shard.h"
#include "check.h"
#include "log_writer.h"

namespace millrace {

// A message as the kernel got it.
struct SentMessage {
  int port = 0;
  size_t segment = 0;     // 0: it is one packet
  size_t part_count = 0;
  std::vector<std::string> packets;
};

struct DatagramPlayer {
  int id = -1;
  int cursor = -1;
  bool is_finished = false;
  bool is_evicted = false;
  bool is_over = false;
  int lag_count = 0;
  double skipped_bytes = 0;
};

struct ReceivedDatagram {
  bool is_stranger = false;
  int id = -1;
  std::string bytes;
};

class DatagramWorld {
 public:
  static constexpr int kCursors = 64;
  static constexpr size_t kStreamBytes = 4096;
  static constexpr size_t kSlots = 64;

  DatagramWorld()
      : buffer_(kStreamBytes + kSlots * kDatagramSlotBytes),
        cursors_(7 * kCursors),
        columns_(CursorColumns::Over(reinterpret_cast<uint8_t*>(cursors_.data()), kCursors)),
        shard(&kFakes, buffer_.data(), kStreamBytes, buffer_.size()) {
    current_ = this;
    shard.SetCursors(columns_);
  }

  ~DatagramWorld() { current_ = nullptr; }

  Datagrams& datagrams() { return shard.datagrams(); }

  int OpenSocket(int* port = nullptr) {
    DatagramOptions options;
    options.host = "127.0.0.1";
    options.buffer_bytes = 1 << 20;
    int bound = 0;
    const int socket = datagrams().Open(options, &bound);
    CHECK(socket >= 0 && bound > 0);
    if (port != nullptr) *port = bound;
    return socket;
  }

  int OpenPeer(int socket, int port) {
    const int peer = datagrams().OpenPeer(socket, "127.0.0.1", port, 1000);
    CHECK(peer >= 0);
    return peer;
  }

  int OpenLog(const LogWriter& log) { return shard.OpenLog(log.base(), log.capacity(), log.entry_capacity()); }

  // As CursorTable.open does. `routes`: peers by channel.
  DatagramPlayer& Play(int log_id, const LogWriter& writer, const std::vector<int32_t>& routes) {
    Log log;
    log.Attach(writer.base(), writer.capacity(), writer.entry_capacity());
    log.Refresh();
    int cursor = 0;
    while (used_.count(cursor) != 0) cursor++;
    CHECK(cursor < kCursors);
    used_.insert(cursor);
    Cursors cursors;
    cursors.columns = columns_;
    cursors.Place(cursor, log, log.RandomAccessEntry());
    columns_.jump_counts[cursor] = 0;
    columns_.sent_bytes[cursor] = columns_.skipped_bytes[cursor] = 0;
    columns_.progress_at_ms[cursor] = columns_.jumped_at_ms[cursor] = now_ms;
    auto player = std::make_unique<DatagramPlayer>();
    player->cursor = cursor;
    player->id = datagrams().Play(log_id, cursor, routes.data(), routes.size(), now_ms);
    playing_[cursor] = player.get();
    players_.push_back(std::move(player));
    return *players_.back();
  }

  void Flush(int log) { FlushSome(log, true, SIZE_MAX); }

  size_t FlushSome(int log, bool is_new_round, size_t most) {
    const size_t left = shard.Flush(log, limits, now_ms, is_new_round, most);
    TakeEvents();
    return left;
  }

  void Continue() {
    now_ms += 2;
    is_spread_wanted = false;
    datagrams().Continue(now_ms);
    TakeEvents();
  }

  // Turn by turn, until all that is there has left.
  void ContinueAll() {
    for (int i = 0; is_spread_wanted; i++) {
      CHECK(i < 10000);
      Continue();
    }
  }

  // What can be written again is found out here, too: the sockets are real, and never full.
  void Poll() {
    while (shard.Poll(now_ms)) TakeEvents();
    TakeEvents();
  }

  void Sweep() {
    shard.Sweep(limits, now_ms);
    TakeEvents();
  }

  void TakeEvents() {
    double batch[5 * 4];
    for (size_t count; (count = shard.TakeEvents(batch, 5)) > 0;) {
      for (size_t i = 0; i < count; i++) Handle(batch + i * 4);
    }
  }

  std::string TextTo(int port) {
    std::string text;
    for (const std::string& packet : packets[port]) text += packet + " ";
    return text;
  }

  size_t cursor_count() const { return used_.size(); }
  const CursorColumns& columns() const { return columns_; }

  double now_ms = 1000;
  LagLimits limits{5, 1e9, 15000, 60000};
  // One for each message that is offered: 0 takes it, an errno refuses it; then `behave`, or all are taken.
  std::deque<int> answers;
  std::function<int(const SentMessage&)> behave;
  size_t most_per_call = 1024;
  size_t call_count = 0;
  std::vector<SentMessage> sent;
  std::map<int, std::vector<std::string>> packets;  // by port
  bool is_spread_wanted = false;
  std::vector<int> refused;                         // sockets
  std::vector<ReceivedDatagram> received;
  std::function<int(mmsghdr*, unsigned)> receive;   // instead of recvmmsg

 private:
  void Handle(const double* event) {
    const auto type = static_cast<int64_t>(event[0]);
    const int id = static_cast<int>(event[1]);
    const int cursor = static_cast<int>(event[2]);
    if (type == kEventDatagram || type == kEventStranger) {
      const auto* at = reinterpret_cast<const char*>(buffer_.data()) + static_cast<size_t>(event[2]);
      received.push_back({type == kEventStranger, id, std::string(at, static_cast<size_t>(event[3]))});
    } else if (type == kEventSpread) {
      CHECK(!is_spread_wanted);
      is_spread_wanted = true;
    } else if (type == kEventSegmentationRefused) {
      refused.push_back(id);
    } else if (type == kEventCursorFree) {
      CHECK(used_.erase(cursor) == 1);
      playing_[cursor]->is_over = true;
      playing_.erase(cursor);
    } else {
      CHECK(id == -1 && playing_.count(cursor) == 1);
      DatagramPlayer& player = *playing_[cursor];
      if (type == kEventEvicted) player.is_evicted = true;
      if (type == kEventFinished) player.is_finished = true;
      if (type == kEventLag) {
        player.lag_count++;
        player.skipped_bytes += event[3];
      }
    }
  }

  // What the kernel makes of a message, and what it would refuse.
  static SentMessage Read(const msghdr& header) {
    SentMessage message;
    message.port = PortOf(static_cast<const sockaddr*>(header.msg_name));
    message.part_count = header.msg_iovlen;
    CHECK(header.msg_iovlen <= 1024);
    std::string bytes;
    for (size_t i = 0; i < header.msg_iovlen; i++) {
      bytes.append(static_cast<const char*>(header.msg_iov[i].iov_base), header.msg_iov[i].iov_len);
    }
    CHECK(bytes.size() <= 65507);
    if (header.msg_controllen > 0) {
      const cmsghdr* control = CMSG_FIRSTHDR(&header);
      CHECK(control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_SEGMENT && control->cmsg_len == CMSG_LEN(2));
      uint16_t segment = 0;
      std::memcpy(&segment, CMSG_DATA(control), sizeof segment);
      message.segment = segment;
      CHECK(segment > 0 && bytes.size() > segment && bytes.size() <= 64u * segment);
    }
    const size_t length = message.segment == 0 ? bytes.size() : message.segment;
    size_t at = 0;
    do {
      message.packets.push_back(bytes.substr(at, length));
      at += length;
    } while (at < bytes.size());
    return message;
  }

  static int FakeSendmmsg(int, mmsghdr* messages, unsigned count, int) {
    DatagramWorld& world = *current_;
    world.call_count++;
    CHECK(count > 0);
    unsigned taken = 0;
    for (; taken < count && taken < world.most_per_call; taken++) {
      const SentMessage message = Read(messages[taken].msg_hdr);
      int answer = 0;
      if (!world.answers.empty()) {
        answer = world.answers.front();
        if (answer == 0 || taken == 0) world.answers.pop_front();
      } else if (world.behave) {
        answer = world.behave(message);
      }
      if (answer != 0) {
        // As Linux does: what was sent before counts, and the error is found again by the next call.
        if (taken > 0) break;
        errno = answer;
        return -1;
      }
      auto& packets = world.packets[message.port];
      packets.insert(packets.end(), message.packets.begin(), message.packets.end());
      world.sent.push_back(message);
    }
    return static_cast<int>(taken);
  }

  static int FakeRecvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
    if (!current_->receive) return recvmmsg(fd, messages, count, flags, timeout);
    const int got = current_->receive(messages, count);
    if (got >= 0) return got;
    errno = -got;
    return -1;
  }

  static constexpr Syscalls kFakes = {::sendmsg, ::recv, ::accept4, ::connect, ::getsockopt, FakeSendmmsg, FakeRecvmmsg};
  static inline DatagramWorld* current_ = nullptr;  // a table of functions has no place for it

  std::vector<uint8_t> buffer_;
  std::vector<double> cursors_;
  CursorColumns columns_;
  std::set<int> used_;
  std::map<int, DatagramPlayer*> playing_;
  std::vector<std::unique_ptr<DatagramPlayer>> players_;

 public:
  Shard shard;
};

// One record: "$", a channel, the length, and the packet.
inline std::string Record(int channel, const std::string& packet) {
  std::string record = "$";
  record += static_cast<char>(channel);
  record += static_cast<char>(packet.size() >> 8);
  record += static_cast<char>(packet.size() & 0xff);
  return record + packet;
}

}  // namespace millrace
