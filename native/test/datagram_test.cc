// UDP against a network that is full, refuses, or is too slow; and, at random, against a simple model.
#include <arpa/inet.h>
#include <fcntl.h>

#include <algorithm>
#include <cinttypes>
#include <string>

#include "datagram_world.h"

namespace millrace {

namespace {

// A log of packets. A packet says which one it is, and is as long as it is told to be.
struct PacketLog {
  LogWriter log;
  int count = 0;

  explicit PacketLog(uint64_t capacity = 1 << 16, uint64_t entry_capacity = 256) : log(capacity, entry_capacity) {}

  std::string Packet(size_t length) {
    std::string packet = std::to_string(count++) + ":";
    while (packet.size() < length) packet += static_cast<char>('a' + packet.size() % 26);
    return packet;
  }

  // One entry; its packets, which are all of channel 0.
  std::vector<std::string> Append(int64_t flags, const std::vector<size_t>& lengths) {
    std::vector<std::string> packets;
    std::string entry;
    for (const size_t length : lengths) {
      packets.push_back(Packet(length));
      entry += Record(0, packets.back());
    }
    log.Append(entry, flags);
    return packets;
  }
};

void Extend(std::vector<std::string>* all, const std::vector<std::string>& more) { all->insert(all->end(), more.begin(), more.end()); }

void TestMessagesAreGrouped() {
  DatagramWorld world;
  LogWriter log(1 << 16, 64);
  const int socket = world.OpenSocket();
  const int media = world.OpenPeer(socket, 5000), control = world.OpenPeer(socket, 5001);
  const int id = world.OpenLog(log);
  world.Play(id, log, {media, control});
  const std::string a(100, 'a'), b(100, 'b'), c(60, 'c'), d(100, 'd'), e(120, 'e');
  // Equal lengths, and a shorter one that ends it; another channel in between; a longer one; nobody's; an empty one.
  log.Append(Record(0, a) + Record(0, b) + Record(0, c) + Record(0, d) + Record(1, "report") + Record(0, a) + Record(0, e) +
                 Record(7, e) + Record(0, b) + Record(0, "") + Record(0, b),
             kEntryKey);
  log.Append(Record(0, d), 0);
  world.Flush(id);
  std::vector<std::vector<std::string>> messages;
  for (const SentMessage& message : world.sent) {
    messages.push_back(message.packets);
    CHECK(message.packets.size() == 1 ? message.segment == 0 : message.segment == message.packets[0].size());
  }
  const std::vector<std::vector<std::string>> expected = {{a, b, c}, {d}, {"report"}, {a}, {e}, {b}, {""}, {b, d}};
  CHECK(messages == expected);
  CHECK(world.call_count == 1 && world.shard.counters.sends == 1);
  const DatagramCounters counters = world.datagrams().CountersOf(socket);
  CHECK(counters.sent_packets == 11 && counters.sent_bytes == 886 && counters.dropped_packets == 0);
  double received = 0, sent = 0;
  world.datagrams().PeerBytes(control, &received, &sent);
  CHECK(received == 0 && sent == 6);
}

void TestLimitsOfAMessage() {
  for (const size_t length : {40u, 1200u, 1460u, 9000u, 40000u, 65507u}) {
    DatagramWorld world;
    PacketLog log(1 << 21, 64);
    const int id = world.OpenLog(log.log);
    const DatagramPlayer& player = world.Play(id, log.log, {world.OpenPeer(world.OpenSocket(), 5000)});
    const size_t count = 200000 / length + 1;
    const auto expected = log.Append(kEntryKey, std::vector<size_t>(count, length));
    world.Flush(id);
    world.ContinueAll();
    CHECK(world.packets[5000] == expected);  // and the fake looks at each message
    CHECK(!player.is_over);
  }
}

// However the ring's end falls: in a header, in a packet, between two. For few from the ring, for many from a copy.
void TestWrapOfTheRing(int player_count) {
  for (size_t lead = 4096 - 200; lead < 4096 + 8; lead++) {
    DatagramWorld world;
    PacketLog log(4096, 64);
    const int id = world.OpenLog(log.log);
    const int socket = world.OpenSocket();
    for (int i = 0; i < player_count; i++) world.Play(id, log.log, {world.OpenPeer(socket, 5000 + i)});
    std::vector<std::string> expected;
    for (size_t left = lead; left > 0;) {
      const size_t length = left > 1004 ? 996 : left - std::min<size_t>(left, 4);
      if (left < 6) break;
      Extend(&expected, log.Append(expected.empty() ? kEntryKey : 0, {length}));
      left -= length + 4;
      world.Flush(id);
    }
    Extend(&expected, log.Append(0, {60, 60, 60, 20}));
    world.Flush(id);
    for (int i = 0; i < player_count; i++) CHECK(world.packets[5000 + i] == expected);
    const SentMessage& last = world.sent.back();
    CHECK(last.packets.size() == 4 && (player_count < 8 ? last.part_count >= 4 && last.part_count <= 5 : last.part_count == 1));
  }
}

void TestPreambles() {
  DatagramWorld world;
  PacketLog log;
  const int socket = world.OpenSocket();
  const int id = world.OpenLog(log.log);
  DatagramPlayer& early = world.Play(id, log.log, {world.OpenPeer(socket, 5000)});
  log.Append(0, {10});
  const auto preamble = log.Append(kEntryPreamble, {20, 20});
  const auto key = log.Append(kEntryKey, {30});
  world.Flush(id);
  auto expected = preamble;
  Extend(&expected, key);
  CHECK(world.packets[5000] == expected);
  // One that goes along skips it, also as the last entry there is; one that joins gets it.
  Extend(&expected, log.Append(0, {50}));
  log.Append(kEntryPreamble, {20});
  world.Flush(id);
  CHECK(!world.is_spread_wanted);
  log.Append(kEntryPreamble, {20});
  world.Flush(id);
  world.datagrams().Finish(early.id, world.now_ms);
  world.TakeEvents();
  CHECK(early.is_finished && world.packets[5000] == expected && !world.is_spread_wanted);
  world.Play(id, log.log, {world.OpenPeer(socket, 5001)});
  const auto next = log.Append(kEntryKey, {40});
  world.Flush(id);
  CHECK(world.packets[5001].size() == 2 && world.packets[5001][1] == next[0]);
}

// A preamble that is longer than a turn is sent whole by who starts with it.
void TestLongPreamble() {
  DatagramWorld world;
  PacketLog log(1 << 20, 64);
  const int id = world.OpenLog(log.log);
  auto expected = log.Append(kEntryPreamble, std::vector<size_t>(150, 1000));
  Extend(&expected, log.Append(kEntryKey, {10}));
  world.Play(id, log.log, {world.OpenPeer(world.OpenSocket(), 5000)});
  world.Flush(id);
  world.ContinueAll();
  CHECK(world.packets[5000] == expected);
}

// The socket is full at every place there is, for some players in a row: each gets all of it, once, in order.
void TestFullSocket() {
  for (const size_t most_per_call : {1024u, 3u, 1u}) {
    for (size_t taken = 0; taken < 13; taken++) {
      DatagramWorld world;
      world.most_per_call = most_per_call;
      PacketLog log;
      const int socket = world.OpenSocket();
      const int id = world.OpenLog(log.log);
      for (int i = 0; i < 3; i++) world.Play(id, log.log, {world.OpenPeer(socket, 5000 + i)});
      auto expected = log.Append(kEntryKey, {100, 100, 50, 200, 200});
      Extend(&expected, log.Append(0, {300}));
      Extend(&expected, log.Append(0, {20, 20, 20}));
      world.answers.assign(taken, 0);
      world.answers.push_back(EAGAIN);
      world.Flush(id);
      const bool was_full = taken < 12;
      CHECK(world.sent.size() == std::min<size_t>(taken, 12));
      // Nothing is tried while it is full, whatever comes.
      const size_t calls = world.call_count;
      Extend(&expected, log.Append(0, {77}));
      world.answers.clear();
      world.Flush(id);
      if (was_full && taken > 8) CHECK(world.call_count == calls);
      world.Poll();
      world.ContinueAll();
      for (int i = 0; i < 3; i++) CHECK(world.packets[5000 + i] == expected);
      CHECK(world.shard.counters.jumps == 0);
    }
  }
}

// Those who found no room first are served first.
void TestFullSocketIsFair() {
  DatagramWorld world;
  PacketLog log;
  const int socket = world.OpenSocket();
  const int id = world.OpenLog(log.log);
  for (int i = 0; i < 10; i++) world.Play(id, log.log, {world.OpenPeer(socket, 5000 + i)});
  log.Append(kEntryKey, {100});
  std::vector<int> order;
  for (int round = 0; round < 20 && order.size() < 10; round++) {
    const size_t before = world.sent.size();
    world.answers = {0, EAGAIN};
    if (round == 0) world.Flush(id);
    else world.shard.Poll(world.now_ms), world.TakeEvents();
    for (size_t i = before; i < world.sent.size(); i++) order.push_back(world.sent[i].port);
  }
  // A flush goes backwards through its players, and one has room in each turn.
  CHECK((order == std::vector<int>{5009, 5008, 5007, 5006, 5005, 5004, 5003, 5002, 5001, 5000}));
}

void TestFullForTooLong() {
  DatagramWorld world;
  PacketLog log;
  const int id = world.OpenLog(log.log);
  DatagramPlayer& player = world.Play(id, log.log, {world.OpenPeer(world.OpenSocket(), 5000)});
  log.Append(kEntryKey, {100});
  world.behave = [](const SentMessage&) { return EAGAIN; };
  world.Flush(id);
  for (int i = 0; i < 15; i++) {
    world.now_ms += 1000;
    world.Sweep();
    CHECK(!player.is_evicted);
  }
  world.now_ms += 1000;
  world.Sweep();
  CHECK(player.is_evicted && player.is_over && world.cursor_count() == 0 && world.shard.counters.evicted == 1);
  world.behave = nullptr;
  world.Poll();
  CHECK(world.sent.empty());
}

void TestLostOnTheWayOut() {
  for (const int error : {ENOBUFS, EPERM, ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, ENOMEM}) {
    for (const bool is_first : {true, false}) {
      DatagramWorld world;
      PacketLog log;
      const int socket = world.OpenSocket();
      const int id = world.OpenLog(log.log);
      for (int i = 0; i < 2; i++) world.Play(id, log.log, {world.OpenPeer(socket, 5000 + i)});
      const auto packets = log.Append(kEntryKey, {100, 100, 200});
      world.answers = is_first ? std::deque<int>{EINTR, error} : std::deque<int>{0, error};
      world.Flush(id);
      const DatagramCounters counters = world.datagrams().CountersOf(socket);
      CHECK(counters.dropped_packets == (is_first ? 2 : 1) && counters.sent_packets == 6 - counters.dropped_packets);
      CHECK(world.refused.empty() && counters.refused_segmentations == 0);
      // What comes next goes the usual way.
      world.sent.clear();
      log.Append(0, {100, 100});
      world.Flush(id);
      CHECK(world.sent.size() == 2 && world.sent[0].segment == 100 && world.sent[1].segment == 100);
    }
  }
}

// Too long for any datagram, and the only packet of its message: dropped, and nobody's segmentation is in question.
void TestTooLongAPacket() {
  DatagramWorld world;
  PacketLog log;
  const int socket = world.OpenSocket();
  const int id = world.OpenLog(log.log);
  world.Play(id, log.log, {world.OpenPeer(socket, 5000)});
  log.Append(kEntryKey, {100, 200});
  world.answers = {EMSGSIZE, 0};
  world.Flush(id);
  CHECK(world.packets[5000].size() == 1 && world.datagrams().CountersOf(socket).dropped_packets == 1);
  CHECK(world.datagrams().CountersOf(socket).refused_segmentations == 0);
}

void TestRefusedSegmentation() {
  for (const int error : {EIO, EINVAL, EMSGSIZE}) {
    for (const int taken : {0, 1, 2}) {
      DatagramWorld world;
      PacketLog log;
      const int socket = world.OpenSocket();
      const int id = world.OpenLog(log.log);
      for (int i = 0; i < 3; i++) world.Play(id, log.log, {world.OpenPeer(socket, 5000 + i)});
      // For one of them only: the way to it is narrow.
      auto expected = log.Append(kEntryKey, {100, 100, 50, 300, 300, 300});
      const int narrow = 5000 + taken;
      world.behave = [&](const SentMessage& message) { return message.port == narrow && message.segment > 0 ? error : 0; };
      world.Flush(id);
      Extend(&expected, log.Append(0, {70, 70, 70}));
      world.Flush(id);
      for (int i = 0; i < 3; i++) CHECK(world.packets[5000 + i] == expected);
      for (const SentMessage& message : world.sent) {
        CHECK((message.port == narrow) == (message.segment == 0));
      }
      const DatagramCounters counters = world.datagrams().CountersOf(socket);
      CHECK(counters.refused_segmentations == 1 && counters.dropped_packets == 0);
      CHECK(world.refused == std::vector<int>{socket});
    }
  }
  // A kernel that can't do it for anybody: one line, one call for each.
  DatagramWorld world;
  PacketLog log;
  const int socket = world.OpenSocket();
  const int id = world.OpenLog(log.log);
  for (int i = 0; i < 20; i++) world.Play(id, log.log, {world.OpenPeer(socket, 5000 + i)});
  const auto expected = log.Append(kEntryKey, {100, 100, 50});
  world.behave = [&](const SentMessage& message) { return message.segment > 0 ? EINVAL : 0; };
  world.Flush(id);
  for (int i = 0; i < 20; i++) CHECK(world.packets[5000 + i] == expected);
  CHECK(world.refused.size() == 1 && world.datagrams().CountersOf(socket).refused_segmentations == 20);
  // Refused and full in the same turn.
  DatagramWorld full;
  const int other = full.OpenSocket();
  const int log_id = full.OpenLog(log.log);
  full.Play(log_id, log.log, {full.OpenPeer(other, 5000)});
  full.Play(log_id, log.log, {full.OpenPeer(other, 5001)});
  full.answers = {EIO, EAGAIN};
  full.Flush(log_id);
  CHECK(full.sent.empty());
  full.Poll();
  for (int i = 0; i < 2; i++) CHECK(full.packets[5000 + i] == expected);
}

// Media and reports through a socket each: in order for each of them, and nothing twice, whichever is full.
void TestTwoSockets() {
  for (size_t taken = 0; taken < 12; taken++) {
    DatagramWorld world;
    LogWriter log(1 << 16, 64);
    const int media = world.OpenSocket(), control = world.OpenSocket();
    const int id = world.OpenLog(log);
    for (int i = 0; i < 2; i++) world.Play(id, log, {world.OpenPeer(media, 5000 + 2 * i), world.OpenPeer(control, 5001 + 2 * i)});
    log.Append(Record(0, "a") + Record(1, "r") + Record(0, "b") + Record(0, "c") + Record(1, "s"), kEntryKey);
    world.answers.assign(taken, 0);
    world.answers.push_back(EAGAIN);
    world.Flush(id);
    world.Poll();
    world.ContinueAll();
    for (int i = 0; i < 2; i++) {
      CHECK(world.TextTo(5000 + 2 * i) == "a b c ");
      CHECK(world.TextTo(5001 + 2 * i) == "r s ");
    }
  }
}

// A turn that goes on through another socket waits all the same when this one is full.
void TestTwoSocketsOneOfThemFull() {
  for (const int full_port : {5000, 5001}) {
    DatagramWorld world;
    LogWriter log(1 << 16, 64);
    const int id = world.OpenLog(log);
    world.Play(id, log, {world.OpenPeer(world.OpenSocket(), 5000), world.OpenPeer(world.OpenSocket(), 5001)});
    log.Append(Record(0, "a") + Record(1, "r") + Record(0, "b"), kEntryKey);
    world.behave = [&](const SentMessage& message) { return message.port == full_port ? EAGAIN : 0; };
    world.Flush(id);
    CHECK(world.TextTo(5000) == (full_port == 5000 ? "" : "a ") && world.packets[5001].empty());
    world.behave = nullptr;
    world.Poll();
    CHECK(world.TextTo(5000) == "a b " && world.TextTo(5001) == "r ");
  }
}

void TestPacing() {
  DatagramWorld world;
  PacketLog log(1 << 20, 64);
  const int socket = world.OpenSocket();
  const int id = world.OpenLog(log.log);
  DatagramPlayer& player = world.Play(id, log.log, {world.OpenPeer(socket, 5000)});
  DatagramPlayer& paused = world.Play(id, log.log, {world.OpenPeer(socket, 5001)});
  world.datagrams().Pause(paused.id, true, world.now_ms);
  auto expected = log.Append(kEntryKey, std::vector<size_t>(300, 1000));
  world.Flush(id);
  const size_t turn = world.packets[5000].size();
  CHECK(turn >= 65 && turn <= 66 && world.is_spread_wanted);
  // Neither a flush nor a finish gives it more before its time.
  Extend(&expected, log.Append(0, {10}));
  world.Flush(id);
  world.datagrams().Finish(player.id, world.now_ms);
  world.TakeEvents();
  CHECK(world.packets[5000].size() == turn);
  world.Continue();
  CHECK(world.packets[5000].size() >= 2 * turn - 1 && world.packets[5000].size() <= 2 * turn + 1 && !player.is_finished);
  world.ContinueAll();
  CHECK(world.packets[5000] == expected && player.is_finished && player.is_over);
  // Paused in the middle of a frame, and gone on at the next random access point.
  world.datagrams().Pause(paused.id, false, world.now_ms);
  world.TakeEvents();
  CHECK(world.packets[5001].size() == turn);
  world.datagrams().Pause(paused.id, true, world.now_ms);
  world.ContinueAll();
  CHECK(world.packets[5001].size() == turn);
  const auto next = log.Append(kEntryKey, {20});
  world.datagrams().Pause(paused.id, false, world.now_ms);
  world.TakeEvents();
  CHECK(world.packets[5001].size() == turn + 1 && world.packets[5001].back() == next[0]);
  // Stopped while it waits for its turn.
  log.Append(kEntryKey, std::vector<size_t>(300, 1000));
  world.Flush(id);
  const size_t before = world.packets[5001].size();
  world.datagrams().StopPlaying(paused.id);
  world.ContinueAll();
  CHECK(world.packets[5001].size() == before && paused.is_over && world.cursor_count() == 0);
}

// The writer goes over what is being sent, and over what was to be sent.
void TestLapped() {
  for (const bool during_send : {true, false}) {
    DatagramWorld world;
    PacketLog log(8192, 64);
    const int socket = world.OpenSocket();
    const int id = world.OpenLog(log.log);
    DatagramPlayer& player = world.Play(id, log.log, {world.OpenPeer(socket, 5000)});
    const auto first = log.Append(kEntryKey, {100, 100});
    std::vector<std::string> last;
    const auto overrun = [&] {
      for (int i = 0; i < 30; i++) log.Append(0, {500});
      last = log.Append(kEntryKey, {50});
    };
    if (during_send) {
      bool is_done = false;
      world.behave = [&](const SentMessage&) {
        if (!is_done) overrun();
        is_done = true;
        return 0;
      };
      world.Flush(id);
    } else {
      world.Flush(id);
      overrun();
      world.Flush(id);
    }
    CHECK(world.packets[5000].back() == last[0] && world.packets[5000].size() == 3);
    // To the last entry, from what it had: nothing when it was lapped meanwhile, though all of it was sent.
    const int64_t from = during_send ? 0 : 208, to = log.log.tail() - 54;
    CHECK(player.lag_count == 1 && player.skipped_bytes == static_cast<double>(to - from) && !player.is_over);
    CHECK(world.shard.counters.jumps == 1);
  }
}

// The writer goes over what one player is about to read, while another one's is being sent.
void TestLappedBeforeItsTurn() {
  DatagramWorld world;
  PacketLog log(8192, 64);
  const int socket = world.OpenSocket();
  const int id = world.OpenLog(log.log);
  DatagramPlayer& early = world.Play(id, log.log, {world.OpenPeer(socket, 5000)});
  log.Append(kEntryKey, {100, 100});
  world.Flush(id);
  log.Append(0, {60});
  DatagramPlayer& late = world.Play(id, log.log, {world.OpenPeer(socket, 5001)});
  std::vector<std::string> last;
  bool is_done = false;
  world.behave = [&](const SentMessage& message) {
    if (is_done) return 0;
    is_done = true;
    CHECK(message.port == 5001);
    for (int i = 0; i < 30; i++) log.Append(0, {500});
    last = log.Append(kEntryKey, {50});
    return 0;
  };
  world.Flush(id);
  CHECK(world.packets[5000].size() == 3 && world.packets[5000].back() == last[0] && early.lag_count == 1);
  CHECK(world.packets[5001].back() == last[0] && late.lag_count == 1);
}

// The writer goes over the rest of a frame that is sent in turns.
void TestLappedInTheMiddleOfAFrame() {
  DatagramWorld world;
  PacketLog log(1 << 18, 64);
  const int id = world.OpenLog(log.log);
  DatagramPlayer& player = world.Play(id, log.log, {world.OpenPeer(world.OpenSocket(), 5000)});
  auto expected = log.Append(kEntryKey, std::vector<size_t>(100, 1000));
  world.Flush(id);
  expected.resize(world.packets[5000].size());
  CHECK(world.is_spread_wanted && expected.size() < 100);
  log.Append(0, std::vector<size_t>(190, 1000));
  Extend(&expected, log.Append(kEntryKey, {30, 30, 30}));
  world.ContinueAll();
  CHECK(world.packets[5000] == expected && player.lag_count == 1);
}

void TestLappedTooOften() {
  DatagramWorld world;
  world.limits.max_jumps = 2;
  PacketLog log(8192, 64);
  const int id = world.OpenLog(log.log);
  DatagramPlayer& player = world.Play(id, log.log, {world.OpenPeer(world.OpenSocket(), 5000)});
  log.Append(kEntryKey, {10});
  world.Flush(id);
  for (int round = 0; round < 3; round++) {
    CHECK(!player.is_evicted);
    for (int i = 0; i < 30; i++) log.Append(0, {500});
    log.Append(kEntryKey, {10});
    world.Flush(id);
  }
  CHECK(player.is_evicted && player.is_over && player.lag_count == 2 && world.packets[5000].size() == 3);
}

// Entries that are not what they should be are skipped, and nothing outside of the ring is looked at.
void TestWhatIsNoRecord() {
  DatagramWorld world;
  LogWriter log(4096, 64);
  const int id = world.OpenLog(log);
  world.Play(id, log, {world.OpenPeer(world.OpenSocket(), 5000)});
  log.Append(Record(0, "good"), kEntryKey);
  log.Append("no record", 0);
  log.Append(Record(0, "first") + "$" + std::string("\0\x10", 2), 0);
  log.Append(std::string("$\0\xff\xff", 4) + "short", 0);
  log.Append("", 0);
  log.Append(Record(0, "last"), 0);
  world.Flush(id);
  CHECK(world.TextTo(5000) == "good first last ");
  CHECK(!world.is_spread_wanted);
}

void TestGrowingAndReplacedLogs() {
  DatagramWorld world;
  PacketLog log(1 << 17, 64), other(1 << 16, 64);
  const int id = world.OpenLog(log.log);
  DatagramPlayer& player = world.Play(id, log.log, {world.OpenPeer(world.OpenSocket(), 5000)});
  auto expected = log.Append(kEntryKey, std::vector<size_t>(100, 1000));
  world.Flush(id);
  log.log.Grow(1 << 18, 128);
  world.shard.AttachLog(id, log.log.base(), log.log.capacity(), log.log.entry_capacity());
  Extend(&expected, log.Append(0, {10}));
  world.ContinueAll();
  CHECK(world.packets[5000] == expected);
  Extend(&expected, log.Append(0, {10, 10}));
  other.Append(kEntryKey, {30});
  const auto key = other.Append(kEntryKey, {40});
  world.shard.ReplaceLog(id, other.log.base(), other.log.capacity(), other.log.entry_capacity(), world.now_ms);
  world.Flush(id);
  Extend(&expected, key);
  CHECK(world.packets[5000] == expected && player.lag_count == 0);
  world.shard.CloseLog(id);
  world.TakeEvents();
  CHECK(player.is_over && !player.is_finished);
}

void TestAFlushInParts() {
  DatagramWorld world;
  PacketLog log;
  const int socket = world.OpenSocket();
  const int id = world.OpenLog(log.log);
  for (int i = 0; i < 10; i++) world.Play(id, log.log, {world.OpenPeer(socket, 5000 + i)});
  log.Append(kEntryKey, {100});
  CHECK(world.FlushSome(id, true, 4) == 6 && world.sent.size() == 4);
  CHECK(world.FlushSome(id, false, 4) == 2 && world.sent.size() == 8);
  CHECK(world.FlushSome(id, false, 4) == 0 && world.sent.size() == 10);
  for (int i = 0; i < 10; i++) CHECK(world.packets[5000 + i].size() == 1);
}

void TestPeers() {
  DatagramWorld world;
  int port = 0;
  const int socket = world.OpenSocket(&port);
  Datagrams& datagrams = world.datagrams();
  for (int i = 0; i < 1000; i++) CHECK(datagrams.OpenPeer(socket, "127.0.0.1", 2000 + i, 1000) == i);
  CHECK(datagrams.OpenPeer(socket, "127.0.0.1", 3000, 1000) == -ENOSPC);
  CHECK(datagrams.OpenPeer(socket, "127.0.0.1", 2005, 2000) == -EEXIST);
  CHECK(datagrams.OpenPeer(socket, "::ffff:127.0.0.1", 2005, 2000) == -EEXIST);
  CHECK(datagrams.OpenPeer(socket, "::1", 2005, 2000) == -EAFNOSUPPORT);
  CHECK(datagrams.OpenPeer(socket, "localhost", 2005, 2000) == -EINVAL);
  CHECK(datagrams.OpenPeer(socket + 1, "127.0.0.1", 2005, 2000) == -EBADF);
  datagrams.ClosePeer(7);
  datagrams.ClosePeer(7);
  // Not at once: somebody may still be told of what came from the one before.
  CHECK(datagrams.OpenPeer(socket, "127.0.0.1", 3000, 1000) == 1000);
  datagrams.ClosePeer(1000);
  world.Poll();
  CHECK(datagrams.OpenPeer(socket, "127.0.0.1", 3000, 1000) == 1000);
  datagrams.Close(socket);
  datagrams.Close(socket);
  CHECK(datagrams.OpenPeer(socket, "127.0.0.1", 4000, 2000) == -EBADF);
}

void TestPeerTable(uint64_t seed) {
  SeededNumbers random(seed);
  PeerTable table;
  std::map<std::pair<int, int>, int> model;
  const auto key_of = [](int socket, int port) {
    Address address;
    CHECK(ParseAddress("10.0.0.1", port, &address));
    return PeerKey::Of(socket, &address.any);
  };
  for (int i = 0; i < 3000; i++) {
    const int socket = static_cast<int>(random.Below(2)), port = 1 + static_cast<int>(random.Below(i < 1500 ? 200 : 40));
    const auto found = model.find({socket, port});
    CHECK(table.Find(key_of(socket, port)) == (found == model.end() ? -1 : found->second));
    if (found == model.end()) {
      table.Insert(key_of(socket, port), i);
      model[{socket, port}] = i;
    } else {
      table.Erase(key_of(socket, port));
      model.erase(found);
    }
  }
  for (const auto& [where, peer] : model) CHECK(table.Find(key_of(where.first, where.second)) == peer);
}

int OpenClient(int* port) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  CHECK(bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0);
  CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  *port = ntohs(address.sin_port);
  return fd;
}

void SendTo(int fd, int port, const std::string& bytes) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  CHECK(sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&address), sizeof address) ==
        static_cast<ssize_t>(bytes.size()));
}

// From the kernel itself. A socket that is flooded takes nobody's turn.
void TestReceiving() {
  DatagramWorld world;
  int loud_port = 0, quiet_port = 0, client_port = 0;
  const int loud = world.OpenSocket(&loud_port), quiet = world.OpenSocket(&quiet_port);
  const int client = OpenClient(&client_port);
  const int peer = world.OpenPeer(quiet, client_port);
  for (int i = 0; i < 200; i++) SendTo(client, loud_port, "loud " + std::to_string(i));
  for (int i = 0; i < 20; i++) SendTo(client, quiet_port, "quiet " + std::to_string(i));
  CHECK(world.shard.Poll(world.now_ms));
  world.TakeEvents();
  CHECK(world.received.size() < 100);
  size_t quiet_count = 0;
  for (const ReceivedDatagram& datagram : world.received) quiet_count += datagram.bytes[0] == 'q';
  CHECK(quiet_count == 20);
  world.Poll();
  CHECK(world.received.size() == 220);
  int next_loud = 0, next_quiet = 0;
  for (const ReceivedDatagram& datagram : world.received) {
    if (datagram.is_stranger) CHECK(datagram.id == loud && datagram.bytes == "loud " + std::to_string(next_loud++));
    else CHECK(datagram.id == peer && datagram.bytes == "quiet " + std::to_string(next_quiet++));
  }
  std::string host;
  int port = 0;
  world.datagrams().SenderOf(DatagramWorld::kStreamBytes, &host, &port);
  CHECK(host == "127.0.0.1" && port == client_port);
  CHECK(!world.shard.Poll(world.now_ms));
  close(client);
}

// Packets that the kernel has put together, and those it had no room for.
void TestReceivingManyInOne() {
  DatagramWorld world;
  int port = 0;
  const int socket = world.OpenSocket(&port);
  int client_port = 0;
  const int client = OpenClient(&client_port);
  uint32_t overflow_count = UINT32_MAX;
  int calls = 0;
  world.receive = [&](mmsghdr* messages, unsigned count) {
    CHECK(count > 2);
    if (calls++ > 0) return -EAGAIN;
    for (unsigned i = 0; i < 2; i++) {
      msghdr& header = messages[i].msg_hdr;
      const std::string bytes = i == 0 ? "aaabbbcccd" : "alone";
      std::memcpy(header.msg_iov->iov_base, bytes.data(), bytes.size());
      messages[i].msg_len = static_cast<unsigned>(bytes.size());
      auto* from = static_cast<sockaddr_in*>(header.msg_name);
      *from = sockaddr_in();
      from->sin_family = AF_INET;
      header.msg_controllen = CMSG_SPACE(4);
      cmsghdr* control = CMSG_FIRSTHDR(&header);
      control->cmsg_len = CMSG_LEN(4);
      control->cmsg_level = i == 0 ? SOL_UDP : SOL_SOCKET;
      control->cmsg_type = i == 0 ? UDP_GRO : SO_RXQ_OVFL;
      const uint32_t value = i == 0 ? 3 : overflow_count;
      std::memcpy(CMSG_DATA(control), &value, sizeof value);
    }
    return 2;
  };
  SendTo(client, port, "x");
  world.Poll();
  std::vector<std::string> texts;
  for (const ReceivedDatagram& datagram : world.received) texts.push_back(datagram.bytes);
  CHECK((texts == std::vector<std::string>{"aaa", "bbb", "ccc", "d", "alone"}));
  CHECK(world.datagrams().CountersOf(socket).overflowed_packets == UINT32_MAX);
  CHECK(world.datagrams().CountersOf(socket).received_packets == 5);
  // The kernel counts modulo 2^32.
  overflow_count = 4;
  calls = 0;
  SendTo(client, port, "x");
  world.Poll();
  CHECK(world.datagrams().CountersOf(socket).overflowed_packets == UINT32_MAX + 5.0);
  close(client);
}

// Anything in any order. What a player gets are packets of the log, in its order, whole and once; it misses none but those that
// were lost on the way out, and what it was told of.
void TestAtRandom(uint64_t seed) {
  SeededNumbers random(seed);
  DatagramWorld world;
  world.limits.max_jumps = 1e9;
  const bool is_small = random.OneIn(2);
  PacketLog log(is_small ? 8192 : 1 << 18, is_small ? 64 : 512);
  const int sockets[] = {world.OpenSocket(), world.OpenSocket()};
  const int id = world.OpenLog(log.log);
  struct Viewer {
    DatagramPlayer* player;
    int port;
    size_t checked = 0;
    int next = -1;
    bool may_skip = true;  // it began, jumped or was paused
    int lag_count = 0;
    bool is_paused = false;
  };
  std::vector<Viewer> viewers;
  int next_port = 5000;
  bool is_lossy = false, is_full = false, is_refusing = false;
  world.behave = [&](const SentMessage& message) {
    if (is_refusing && message.segment > 0 && random.OneIn(3)) return EIO;
    if (is_lossy && random.OneIn(10)) return ENOBUFS;
    return is_full && random.OneIn(3) ? EAGAIN : 0;
  };
  const int preamble_length = 7;
  std::vector<bool> is_preamble;
  const auto append = [&](int64_t flags, size_t count, size_t length) {
    std::vector<size_t> lengths(count, length);
    if (count > 1 && random.OneIn(2)) lengths.back() = length / 2 + 7;
    log.Append(flags, lengths);
    is_preamble.resize(static_cast<size_t>(log.count), flags == kEntryPreamble);
  };
  append(kEntryKey, 1, 20);
  bool was_lossy = false;
  for (int step = 0; step < 300; step++) {
    switch (random.Below(12)) {
      case 0: case 1: case 2: append(0, 1 + random.Below(6), 8 + random.Below(300)); break;
      case 3:
        if (random.OneIn(2)) append(kEntryPreamble, 1 + random.Below(2), preamble_length);
        append(kEntryKey, 1 + random.Below(is_small ? 5 : 90), 8 + random.Below(is_small ? 300 : 1400));
        break;
      case 4: case 5: case 6: world.Flush(id); break;
      case 7:
        if (world.is_spread_wanted) world.Continue();
        break;
      case 8: world.Poll(); break;
      case 9:
        is_full = random.OneIn(3);
        is_refusing = random.OneIn(10);
        is_lossy = random.OneIn(20);
        was_lossy |= is_lossy;
        break;
      case 10:
        if (viewers.size() < 12) {
          const int port = next_port++;
          const int peer = world.OpenPeer(sockets[random.Below(2)], port);
          Viewer viewer;
          viewer.player = &world.Play(id, log.log, {peer});
          viewer.port = port;
          viewers.push_back(viewer);
        }
        break;
      case 11:
        if (viewers.empty()) break;
        Viewer& viewer = viewers[random.Below(viewers.size())];
        if (viewer.player->is_over) break;
        if (random.OneIn(4)) {
          world.datagrams().StopPlaying(viewer.player->id);
        } else {
          viewer.is_paused = !viewer.is_paused;
          viewer.may_skip = true;
          world.datagrams().Pause(viewer.player->id, viewer.is_paused, world.now_ms);
        }
        world.TakeEvents();
        break;
    }
    if (step == 299) {
      is_full = is_lossy = is_refusing = false;
      world.Poll();
      world.Flush(id);
      world.ContinueAll();
    }
    for (Viewer& viewer : viewers) {
      if (viewer.player->lag_count != viewer.lag_count) viewer.may_skip = true;
      viewer.lag_count = viewer.player->lag_count;
      const auto& packets = world.packets[viewer.port];
      for (; viewer.checked < packets.size(); viewer.checked++) {
        const std::string& packet = packets[viewer.checked];
        const int number = std::atoi(packet.c_str());
        CHECK(number < log.count && packet.compare(0, packet.find(':'), std::to_string(number)) == 0);
        for (size_t i = packet.find(':') + 1; i < packet.size(); i++) CHECK(packet[i] == static_cast<char>('a' + i % 26));
        if (!viewer.may_skip && !was_lossy) {
          // Preambles are for those who start there.
          while (viewer.next < number && is_preamble[static_cast<size_t>(viewer.next)]) viewer.next++;
          CHECK(number == viewer.next);
        }
        // Unpausing goes back to the random access point.
        CHECK(number >= viewer.next || viewer.may_skip);
        viewer.next = number + 1;
        viewer.may_skip = false;
      }
    }
  }
  for (const Viewer& viewer : viewers) {
    // One that jumped when no random access point could be reached waits for the next.
    const bool is_waiting = !viewer.player->is_over && (world.columns().flags[viewer.player->cursor] & kCursorWaiting) != 0;
    if (viewer.player->is_over || viewer.is_paused || is_waiting || was_lossy) continue;
    CHECK(viewer.next == log.count || is_preamble.back() || viewer.checked == 0);
  }
}

}  // namespace

}  // namespace millrace

int main(int argc, char** argv) {
  using namespace millrace;
  const uint64_t rounds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
  TestMessagesAreGrouped();
  TestLimitsOfAMessage();
  TestWrapOfTheRing(1);
  TestWrapOfTheRing(9);
  TestPreambles();
  TestLongPreamble();
  TestFullSocket();
  TestFullSocketIsFair();
  TestFullForTooLong();
  TestLostOnTheWayOut();
  TestTooLongAPacket();
  TestRefusedSegmentation();
  TestTwoSockets();
  TestTwoSocketsOneOfThemFull();
  TestPacing();
  TestLapped();
  TestLappedBeforeItsTurn();
  TestLappedInTheMiddleOfAFrame();
  TestLappedTooOften();
  TestWhatIsNoRecord();
  TestGrowingAndReplacedLogs();
  TestAFlushInParts();
  TestPeers();
  TestReceiving();
  TestReceivingManyInOne();
  for (uint64_t seed = 1; seed <= 20; seed++) TestPeerTable(seed);
  for (uint64_t seed = 1; seed <= rounds; seed++) TestAtRandom(seed);
  std::printf("datagrams: every test, and %" PRIu64 " random ones\n", rounds);
  return 0;
}
