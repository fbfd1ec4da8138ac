// A shard against system calls that fail, take little, or come too late; and, at random, against a simple model.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cinttypes>
#include <string>

#include "world.h"

namespace millrace {

namespace {

std::string EntryText(char letter, int64_t number, size_t length) {
  std::string text = std::string("[") + letter + std::to_string(number) + ":";
  for (size_t i = 0; i < length; i++) text += static_cast<char>('a' + (static_cast<size_t>(number) + i) % 26);
  return text + "]";
}

// A log and all that was ever appended to it.
struct History {
  LogWriter log;
  std::vector<std::string> entries;
  std::vector<bool> is_preamble;
  std::vector<bool> is_start;  // a random access point

  explicit History(uint64_t capacity = 4096, uint64_t entry_capacity = 64) : log(capacity, entry_capacity) {}

  std::string Append(char letter, size_t length) {
    const int64_t flags = letter == 'P' ? kEntryPreamble : letter == 'K' ? kEntryKey : 0;
    entries.push_back(EntryText(letter, log.entry_tail(), length));
    is_start.push_back(letter == 'P' || (letter == 'K' && (is_preamble.empty() || !is_preamble.back())));
    is_preamble.push_back(letter == 'P');
    log.Append(entries.back(), flags);
    return entries.back();
  }
};

// Whatever the socket takes at first, what comes out are whole entries in order, and control bytes at the next boundary.
void TestEveryShortWrite() {
  for (const size_t lead : {0u, 3900u}) {  // the second one makes the ring wrap inside of what is sent
    for (size_t taken = 0;; taken++) {
      World world;
      History history;
      if (lead > 0) history.Append('-', lead - 10);
      std::vector<size_t> boundaries = {0};
      std::string expected;
      for (const auto& [letter, length] : std::vector<std::pair<char, size_t>>{{'P', 5}, {'K', 60}, {'-', 0}, {'-', 90}, {'P', 7}, {'K', 30}}) {
        const std::string entry = history.Append(letter, length);
        if (letter == 'P' && !expected.empty()) continue;  // for those who start with it
        if (letter == 'P' || !expected.empty()) expected += entry;
        boundaries.push_back(expected.size());
      }
      if (taken > expected.size()) break;
      // It must start at the first preamble: the second one comes after the cursor was placed.
      History early(4096, 64);
      if (lead > 0) early.Append('-', lead - 10);
      Peer& peer = world.Connect();
      const int id = world.OpenLog(early.log);
      for (size_t i = early.entries.size(); i < history.entries.size() - 2; i++) {
        early.Append(history.entries[i][1], history.entries[i].size() - std::string("[P0:]").size());
      }
      world.Play(peer, id, early.log);
      for (size_t i = early.entries.size(); i < history.entries.size(); i++) {
        early.Append(history.entries[i][1], history.entries[i].size() - std::string("[P0:]").size());
      }
      CHECK(early.entries == history.entries);
      peer.answers = {static_cast<Answer>(taken)};
      if (taken == 0) peer.answers = {-EAGAIN};
      world.Flush(id);
      CHECK(peer.received == expected.substr(0, taken));
      world.Send(peer, "<C>");
      // A second short write, in the rest.
      peer.answers = {1};
      world.Wake(peer);
      world.Wake(peer);
      size_t boundary = 0;
      while (boundaries[boundary] < taken) boundary++;
      // Blocked between two entries, control bytes go first; so they do when nothing was taken.
      std::string wanted = expected;
      wanted.insert(boundaries[boundary], "<C>");
      CHECK(peer.received == wanted);
      CHECK(!peer.is_closed && world.shard.counters.open == 1);
      CHECK(world.shard.counters.sent_bytes == static_cast<double>(wanted.size()));
    }
  }
}

void TestErrorsOfSend() {
  for (const int error : {EPIPE, ECONNRESET, ETIMEDOUT, EBADF}) {
    for (const bool is_control : {false, true}) {
      World world;
      History history;
      Peer& peer = world.Connect();
      Peer& other = world.Connect();
      const int id = world.OpenLog(history.log);
      world.Play(peer, id, history.log);
      world.Play(other, id, history.log);
      peer.answers = {-error};
      history.Append('K', 10);
      if (is_control) world.Send(peer, "<C>");
      world.Flush(id);
      CHECK(peer.is_closed && peer.close_error == error && !peer.is_evicted);
      CHECK(other.received == history.entries[0]);
      CHECK(world.cursor_count() == 1 && world.shard.CursorCount(id) == 1 && world.shard.counters.socket_errors == 1);
    }
  }
}

void TestInterruptedCallsAreMadeAgain() {
  World world;
  History history;
  Peer& peer = world.Connect();
  const int id = world.OpenLog(history.log);
  world.Play(peer, id, history.log);
  history.Append('K', 10);
  peer.answers = {-EINTR, -EINTR};
  world.Send(peer, "<C>");
  peer.answers = {-EINTR, 4, -EINTR};
  world.Flush(id);
  world.Wake(peer);
  CHECK(peer.received == "<C>" + history.entries[0]);
}

// No EPOLLOUT follows when the kernel is short of memory: the sweep tries again, and gives up as with every stall.
void TestShortageOfKernelMemory() {
  for (const bool is_control : {false, true}) {
    World world;
    History history;
    Peer& peer = world.Connect();
    const int id = world.OpenLog(history.log);
    world.Play(peer, id, history.log);
    const std::string expected = is_control ? "<C>" : history.Append('K', 10);
    peer.answers = {-ENOBUFS, -ENOBUFS, -ENOMEM};
    if (is_control) world.Send(peer, "<C>");
    world.Flush(id);
    for (int i = 0; i < 3; i++) {
      CHECK(peer.received.empty());
      world.now_ms += 1000;
      world.Sweep();
    }
    CHECK(peer.received == expected && !peer.is_closed);
    peer.behave = [](size_t) { return -ENOBUFS; };
    history.Append('K', 10);
    world.Flush(id);
    for (int i = 0; i < 17; i++) {
      world.now_ms += 1000;
      world.Sweep();
    }
    CHECK(peer.is_evicted && peer.is_closed);
  }
}

// The rest of a begun entry is saved when the writer comes near, and however much that is, it is not held against the peer.
void TestRescue() {
  for (const bool is_grown : {false, true}) {
    World world;
    History history;
    Peer& peer = world.Connect();
    const int id = world.OpenLog(history.log);
    world.Play(peer, id, history.log);
    const std::string begun = history.Append('K', 2000);
    peer.answers = {700};
    world.Flush(id);
    if (is_grown) {
      history.log.Grow(8192, 128);
      world.shard.AttachLog(id, history.log.base(), history.log.capacity(), history.log.entry_capacity());
    }
    const size_t near = (is_grown ? 8192 : 4096) - 2000 - 300;
    for (size_t i = 0; i < near; i += 200) history.Append('-', 190);
    world.Flush(id);  // within the guard: saved
    world.Send(peer, "<C>", 16);
    for (int i = 0; i < 100; i++) history.Append('-', 100);
    std::string key = history.Append('P', 5);
    key += history.Append('K', 5);
    peer.answers = {1, 500};
    world.Wake(peer);
    world.Wake(peer);
    world.Wake(peer);
    CHECK(peer.received == begun + "<C>" + key);
    CHECK(peer.lag_count == 1 && !peer.is_evicted);
  }
}

// What was overwritten before anybody looked can't be saved: not one changed byte leaves.
void TestOverwrittenInTheMiddle() {
  for (const int what : {0, 1, 2, 3}) {
    World world;
    History history;
    Peer& peer = world.Connect();
    const int id = world.OpenLog(history.log);
    world.Play(peer, id, history.log);
    const std::string begun = history.Append('K', 2000);
    peer.answers = {700};
    world.Flush(id);
    for (int i = 0; i < 40; i++) history.Append(i == 39 ? 'K' : '-', 190);
    if (what == 0) world.Flush(id);
    if (what == 1) world.Wake(peer);
    if (what == 2) world.shard.StopPlaying(peer.id);
    if (what == 3) {
      world.shard.Play(peer.id, id, 63, world.now_ms);
      // The cursor that it would have got is given back.
      double events[4 * 8];
      CHECK(world.shard.TakeEvents(events, 8) == 4);
      CHECK(events[0] == kEventEvicted && events[4] == kEventCursorFree && events[8] == kEventClosed);
      CHECK(events[12] == kEventCursorFree && events[14] == 63);
      continue;
    }
    world.TakeEvents();
    CHECK(peer.is_evicted && peer.is_closed && peer.received == begun.substr(0, 700));
    CHECK(world.cursor_count() == 0);
  }
}

// A cursor that stands between entries is not hurt, also when the socket reports room before the next flush.
void TestLappedBetweenEntries() {
  World world;
  History history;
  Peer& peer = world.Connect();
  const int id = world.OpenLog(history.log);
  world.Play(peer, id, history.log);
  const std::string first = history.Append('K', 500);
  world.Flush(id);
  peer.answers = {-EAGAIN};
  const std::string missed = history.Append('-', 500);
  world.Flush(id);
  for (int i = 0; i < 40; i++) history.Append('-', 190);
  const int64_t target = history.log.tail();
  const std::string key = history.Append('K', 100);
  world.Wake(peer);
  CHECK(peer.received == first + key && peer.lag_count == 1);
  CHECK(peer.skipped_bytes == static_cast<double>(target) - static_cast<double>(first.size()));
}

// In parts a flush reaches everybody who was there when it began, whoever leaves or comes in between.
void TestFlushInParts() {
  World world;
  History history;
  const int id = world.OpenLog(history.log);
  std::string expected = history.Append('K', 10);
  std::vector<Peer*> peers;
  const auto join = [&] {
    peers.push_back(&world.Connect());
    world.Play(*peers.back(), id, history.log);
  };
  for (int i = 0; i < 10; i++) join();
  world.Flush(id);
  for (const bool is_new : {true, false, false}) {
    if (is_new) expected += history.Append('-', 20);
    const size_t left = world.FlushSome(id, is_new, 3);
    if (is_new) {
      CHECK(left == 7 && std::count_if(peers.begin(), peers.end(), [&](Peer* p) { return p->received == expected; }) == 3);
      join();
      // One that has had it, and one that has not: each hands its place to the last.
      world.shard.Destroy(peers[8]->id);
      world.shard.Destroy(peers[1]->id);
      world.TakeEvents();
    }
  }
  CHECK(world.FlushSome(id, false, 100) == 0);
  for (size_t i = 0; i < 10; i++) CHECK(i == 1 || i == 8 ? peers[i]->is_closed : peers[i]->received == expected);
  CHECK(world.FlushSome(id, false, 100) == 0);
}

void TestEvictions() {
  for (const bool by_bytes : {false, true}) {
    World world;
    world.limits = by_bytes ? LagLimits{1000, 20000, 15000, 60000} : LagLimits{2, 1e9, 15000, 60000};
    History history;
    Peer& peer = world.Connect();
    const int id = world.OpenLog(history.log);
    history.Append('K', 10);
    world.Play(peer, id, history.log);
    for (int round = 1; round <= 3; round++) {
      for (int i = 0; i < 40; i++) history.Append(i == 39 ? 'K' : '-', 192);
      world.Flush(id);
      CHECK(peer.lag_count == std::min(round, 2) && peer.is_evicted == (round == 3));
    }
    CHECK(peer.is_closed && world.shard.counters.evicted == 1 && world.cursor_count() == 0);
    // Forgiven when it has kept pace for a while.
    Peer& patient = world.Connect();
    world.Play(patient, id, history.log);
    for (int round = 1; round <= 10; round++) {
      for (int i = 0; i < 40; i++) history.Append(i == 39 ? 'K' : '-', 192);
      world.Flush(id);
      world.now_ms += 61000;
      history.Append('-', 1);
      world.Flush(id);
    }
    CHECK(patient.lag_count == 10 && !patient.is_evicted);
  }
}

void TestStalls() {
  World world;
  History history;
  Peer& stuck = world.Connect();
  Peer& slow = world.Connect();
  Peer& late = world.Connect();
  const int id = world.OpenLog(history.log);
  for (Peer* peer : {&stuck, &slow, &late}) world.Play(*peer, id, history.log);
  history.Append('K', 100);
  stuck.behave = [](size_t) { return -EAGAIN; };
  world.Flush(id);
  // Takes control bytes, one at a time: it moves.
  slow.behave = [](size_t) { return 1; };
  world.Send(slow, std::string(100, 'c'));
  for (int i = 0; i < 16; i++) {
    world.now_ms += 1000;
    world.Wake(slow);
    world.Sweep();
  }
  CHECK(stuck.is_evicted && stuck.is_closed && !slow.is_closed);
  // Had nothing to take for a long time, and is blocked only now.
  late.behave = [](size_t) { return -EAGAIN; };
  world.Send(late, "<C>");
  world.now_ms += 1000;
  world.Sweep();
  CHECK(!late.is_closed);
}

void TestStopAndPlayAnother() {
  World world;
  History one, other;
  Peer& peer = world.Connect();
  const int first = world.OpenLog(one.log), second = world.OpenLog(other.log);
  world.Play(peer, first, one.log);
  const std::string begun = one.Append('K', 100);
  one.Append('-', 100);
  peer.answers = {20};
  world.Flush(first);
  const std::string key = other.Append('K', 10);
  world.Play(peer, second, other.log);
  world.Send(peer, "<C>");
  world.Flush(second);
  CHECK(peer.received == begun.substr(0, 20));
  world.Wake(peer);
  CHECK(peer.received == begun + "<C>" + key);
  world.TakeEvents();
  CHECK(world.cursor_count() == 1 && world.shard.CursorCount(first) == 0);
  // A log that goes while somebody still plays it takes its cursors with it.
  world.shard.CloseLog(second);
  world.TakeEvents();
  CHECK(world.cursor_count() == 0);
  world.shard.Destroy(peer.id);
  world.TakeEvents();
  CHECK(peer.is_closed);
}

// A join that takes more than one turn goes on by itself, although the log has ended and gets no flush any more.
void TestLongJoinOfAFinishedPlay() {
  World world;
  History history(1 << 24, 1024);
  Peer& peer = world.Connect();
  const int id = world.OpenLog(history.log);
  std::string expected = history.Append('K', 10);
  for (int i = 0; i < 150; i++) expected += history.Append('-', 65536);
  world.Play(peer, id, history.log);
  world.shard.Finish(peer.id, world.now_ms);
  CHECK(peer.received.size() < expected.size());
  world.TakeEvents();
  CHECK(peer.received == expected && peer.is_finished && world.cursor_count() == 0);
}

void TestPause() {
  World world;
  History history;
  Peer& peer = world.Connect();
  const int id = world.OpenLog(history.log);
  world.Play(peer, id, history.log);
  std::string expected = history.Append('K', 100);
  peer.answers = {50};
  world.Flush(id);
  world.shard.Pause(peer.id, true, world.now_ms);
  history.Append('-', 10);
  world.Wake(peer);
  world.Flush(id);
  CHECK(peer.received == expected);  // what was begun is finished
  for (int i = 0; i < 100; i++) history.Append('-', 100);
  expected += history.Append('K', 10);
  expected += history.Append('-', 10);
  world.shard.Pause(peer.id, false, world.now_ms);
  world.TakeEvents();
  CHECK(peer.received == expected && peer.lag_count == 0);
}

void Replace(World& world, int id, const History& by) {
  world.shard.ReplaceLog(id, by.log.base(), by.log.capacity(), by.log.entry_capacity(), world.now_ms);
  world.TakeEvents();
}

// The publisher came back through another shard: whoever played goes on there, and nobody sees half an entry.
void TestReplaceLog() {
  for (const bool is_lapped : {false, true}) {
    World world;
    History old, other;
    Peer& quick = world.Connect();
    Peer& begun = world.Connect();
    Peer& blocked = world.Connect();
    Peer& paused = world.Connect();
    const int id = world.OpenLog(old.log);
    for (Peer* peer : {&quick, &begun, &blocked, &paused}) world.Play(*peer, id, old.log);
    world.shard.Pause(paused.id, true, world.now_ms);
    std::string expected = old.Append('K', 300);
    begun.answers = {100};
    blocked.answers = {-EAGAIN};
    world.Flush(id);
    world.Send(begun, "<C>");
    const std::string first = expected;
    expected += old.Append('-', 50);  // nobody has flushed it yet
    if (is_lapped) {
      for (int i = 0; i < 40; i++) old.Append('-', 190);
    }
    std::string key = other.Append('P', 5);
    key += other.Append('K', 20);
    Replace(world, id, other);
    world.Flush(id);
    for (Peer* peer : {&begun, &blocked}) world.Wake(*peer);
    if (is_lapped) {
      // What it had begun was overwritten, and can't be finished.
      CHECK(begun.is_evicted && begun.is_closed && begun.received == first.substr(0, 100));
      CHECK(quick.received == first + key && quick.lag_count == 1);
    } else {
      CHECK(!begun.is_evicted && begun.received == first + "<C>" + key);
      CHECK(quick.received == expected + key && quick.lag_count == 0);
    }
    CHECK(blocked.received == key && !blocked.is_closed);
    CHECK(paused.received.empty());
    world.shard.Pause(paused.id, false, world.now_ms);
    world.TakeEvents();
    CHECK(paused.received == key);
    const std::string next = other.Append('-', 10);
    world.Flush(id);
    CHECK(quick.received.substr(quick.received.size() - next.size()) == next && paused.received == key + next);
    CHECK(world.cursor_count() == world.shard.CursorCount(id) && world.cursor_count() == (is_lapped ? 3 : 4));
  }
}

// A log that has no random access point yet: its players wait for the first. One that was told to finish still does.
void TestReplaceLogByAnEmptyOne() {
  World world;
  History old, other, third;
  Peer& peer = world.Connect();
  Peer& finishing = world.Connect();
  const int id = world.OpenLog(old.log);
  for (Peer* each : {&peer, &finishing}) world.Play(*each, id, old.log);
  std::string expected = old.Append('K', 100);
  finishing.answers = {10};
  world.Flush(id);
  world.shard.Finish(finishing.id, world.now_ms);
  other.Append('-', 30);
  Replace(world, id, other);
  world.Flush(id);
  CHECK(peer.received == expected);
  world.Wake(finishing);
  CHECK(finishing.received == expected && finishing.is_finished && world.cursor_count() == 1);
  // And replaced again before there was one; what is old is no lag.
  expected += third.Append('K', 10);
  Replace(world, id, third);
  world.Flush(id);
  CHECK(peer.received == expected && peer.lag_count == 0);
  // A log that nobody plays is replaced as well.
  world.shard.Destroy(peer.id);
  world.TakeEvents();
  Replace(world, id, old);
  CHECK(world.shard.CursorCount(id) == 0);
}

// A connection that another thread gave away: its descriptor is this shard's, to the end.
void TestTake() {
  World world;
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const int id = world.shard.Take(ends[0]);
  CHECK(id >= 0 && world.shard.Find(id)->fd == ends[0]);
  CHECK((fcntl(ends[0], F_GETFL) & O_NONBLOCK) != 0);
  CHECK(write(ends[1], "hello", 5) == 5);
  world.shard.Poll(world.now_ms);
  double event[4];
  CHECK(world.shard.TakeEvents(event, 1) == 1 && event[0] == kEventData && event[1] == id && event[3] == 5);
  world.shard.Destroy(id);
  CHECK(fcntl(ends[0], F_GETFD) == -1 && errno == EBADF);
  world.TakeEvents();
  CHECK(world.shard.Take(-1) == -EBADF);
  // What epoll does not take is closed, not leaked.
  const int file = memfd_create("a file", MFD_CLOEXEC);
  CHECK(file >= 0);
  CHECK(world.shard.Take(file) == -EPERM && fcntl(file, F_GETFD) == -1);
  CHECK(world.shard.counters.open == 0);
  close(ends[1]);
}

// As the event loop asks.
bool IsReadable(int fd) {
  pollfd question{fd, POLLIN, 0};
  return poll(&question, 1, 0) == 1;
}

// Who brings much waits while it is paused, and nobody else does; nothing is lost on the way from one set to the other.
void TestPacedConnections() {
  World world;
  Peer& publisher = world.Connect();
  Peer& player = world.Connect();
  const auto bring = [](const Peer& peer, int count) {
    for (int i = 0; i < count; i++) CHECK(write(peer.far_end, "x", 1) == 1);
  };
  const auto is_paced = [&](const Peer& peer) { return world.shard.Find(peer.id)->is_paced; };
  CHECK(!world.shard.PausePaced(true));  // nobody is
  for (int i = 0; i < 20; i++) {
    bring(publisher, 1);
    world.Poll();
  }
  bring(player, 1);
  world.Poll();
  bring(publisher, 1);  // on its way while the set is changed
  world.Sweep();
  CHECK(is_paced(publisher) && !is_paced(player));
  world.Poll();
  CHECK(publisher.brought_bytes == 21);

  CHECK(world.shard.PausePaced(true) && world.shard.PausePaced(true));
  bring(publisher, 3);
  CHECK(!IsReadable(world.shard.epoll_fd()));  // does not wake the thread
  world.Poll();
  CHECK(publisher.brought_bytes == 21);
  bring(player, 1);
  CHECK(IsReadable(world.shard.epoll_fd()));
  world.Poll();
  CHECK(player.brought_bytes == 2 && publisher.brought_bytes == 21);
  world.PollAll();
  CHECK(publisher.brought_bytes == 24);
  bring(publisher, 1);
  CHECK(!world.shard.PausePaced(false));
  CHECK(IsReadable(world.shard.epoll_fd()));
  world.Poll();
  CHECK(publisher.brought_bytes == 25);

  // More of them than a turn takes, and than the receive buffer holds.
  std::vector<Peer*> many;
  for (int i = 0; i < 300; i++) many.push_back(&world.Connect());
  for (int i = 0; i < 20; i++) {
    for (const Peer* peer : many) bring(*peer, 1);
    world.Poll();
  }
  world.Sweep();
  CHECK(world.shard.PausePaced(true));
  const std::string much(1000, 'x');
  for (const Peer* peer : many) CHECK(write(peer->far_end, much.data(), much.size()) == 1000);
  world.PollAll();
  for (const Peer* peer : many) CHECK(is_paced(*peer) && peer->brought_bytes == 1020);

  // One that ends, begins to play or falls silent is paced no more.
  close(many[0]->far_end);
  many[0]->far_end = -1;
  world.PollAll();
  CHECK(many[0]->is_peer_ended);
  world.shard.Destroy(many[0]->id);
  History history;
  history.Append('K', 10);
  world.Play(*many[1], world.OpenLog(history.log), history.log);
  CHECK(!is_paced(*many[1]));
  CHECK(is_paced(*many[2]));
  world.Sweep();
  CHECK(!world.shard.PausePaced(true));
  bring(*many[2], 1);
  world.Poll();
  CHECK(many[2]->brought_bytes == 1021);
}

void TestDoorbell() {
  int held = -1;
  {
    World world;
    const auto rings = [&] {
      world.shard.Poll(world.now_ms);
      double events[4 * 4];
      const size_t count = world.shard.TakeEvents(events, 4);
      for (size_t i = 0; i < count; i++) CHECK(events[i * 4] == kEventDoorbell && events[i * 4 + 1] == -1);
      return count;
    };
    CHECK(rings() == 0);
    // As another thread has it: a descriptor of its own, which it may ring when the shard is no more.
    held = fcntl(world.shard.doorbell_fd(), F_DUPFD_CLOEXEC, 0);
    for (const int fd : {world.shard.doorbell_fd(), held}) {
      for (int i = 0; i < 1000; i++) CHECK(eventfd_write(fd, 1) == 0);
      CHECK(rings() == 1);
      CHECK(rings() == 0);
    }
    CHECK(eventfd_write(held, 1) == 0);
  }
  CHECK(eventfd_write(held, 1) == 0);
  close(held);
}

// A peer that never reads its answers is closed; one that is always a little behind is not, and costs what is waiting.
void TestControlBytes() {
  World world;
  Peer& deaf = world.Connect();
  deaf.behave = [](size_t) { return -EAGAIN; };
  for (int i = 0; i < 5; i++) world.Send(deaf, std::string(10, 'c'), 40);
  CHECK(deaf.is_closed && deaf.close_error == ENOBUFS && world.shard.counters.queued_bytes == 0);
  Peer& behind = world.Connect();
  std::string expected = "first;";
  behind.answers = {-EAGAIN};
  world.Send(behind, expected, 40);
  for (int i = 0; i < 2000; i++) {
    const std::string more = std::to_string(i) + ";";
    expected += more;
    world.Send(behind, more, 40);
    CHECK(!behind.is_closed && world.shard.Find(behind.id)->queue->size() <= 40);
    CHECK(world.shard.counters.queued_bytes == static_cast<double>(world.shard.Find(behind.id)->queue->size()));
    behind.answers = {static_cast<Answer>(expected.size() - behind.received.size() - 1)};
    world.Wake(behind);
    CHECK(behind.received.size() == expected.size() - 1);
  }
  world.Wake(behind);
  CHECK(behind.received == expected);
  CHECK(world.shard.Find(behind.id)->queue == nullptr && world.shard.counters.queued_bytes == 0);
}

// What is to be sent in one turn leaves in one call, and in one packet with the first media behind it.
void TestControlBytesOfATurn() {
  World world;
  History history;
  Peer& peer = world.Connect();
  const auto send = [&](const std::string& bytes) {
    world.shard.Send(peer.id, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), 1 << 20);
  };
  send("one,");
  send("two,");
  CHECK(peer.received.empty() && world.shard.counters.queued_bytes == 8);
  world.TakeEvents();
  CHECK(peer.received == "one,two," && peer.more_follows == std::vector<bool>{false});
  const int id = world.OpenLog(history.log);
  for (const bool is_there : {false, true}) {
    if (is_there) history.Append('K', 10);
    peer.received.clear();
    peer.more_follows.clear();
    send("head,");
    send("header,");
    world.Play(peer, id, history.log);
    world.shard.StartPlaying(peer.id, world.now_ms);
    CHECK(peer.received == "head,header," + (is_there ? history.entries[0] : ""));
    CHECK(peer.more_follows == (is_there ? std::vector<bool>{true, false} : std::vector<bool>{false}));
    world.TakeEvents();
    CHECK(peer.call_count == (is_there ? 4u : 2u));
    world.shard.StopPlaying(peer.id);
    world.TakeEvents();
  }
  send("last words");
  world.shard.Destroy(peer.id);
  world.TakeEvents();
  CHECK(peer.is_closed && peer.received.find("last words") != std::string::npos && world.shard.counters.queued_bytes == 0);
}

void TestEnds() {
  World world;
  Peer& peer = world.Connect();
  peer.answers = {-EAGAIN};
  world.Send(peer, "answer");
  // Half-closed by the peer: it still gets its answer, then the end.
  CHECK(shutdown(peer.far_end, SHUT_WR) == 0);
  world.Poll();
  CHECK(peer.is_peer_ended && !peer.is_closed);
  CHECK(peer.received == "answer" || peer.received.empty());
  world.shard.End(peer.id, world.now_ms);
  world.TakeEvents();
  world.Sweep();
  CHECK(peer.received == "answer" && peer.is_closed && peer.close_error == 0);
  // A peer that neither takes nor closes is not waited for.
  for (const bool is_blocked : {false, true}) {
    Peer& silent = world.Connect();
    if (is_blocked) silent.answers = {-EAGAIN};
    world.Send(silent, "bye");
    world.shard.End(silent.id, world.now_ms);
    world.Send(silent, "too late");
    world.now_ms += 1900;
    world.Sweep();
    CHECK(!silent.is_closed);
    world.now_ms += 200;
    world.Sweep();
    CHECK(silent.is_closed && silent.received == (is_blocked ? "" : "bye"));
  }
}

// What JavaScript knows by an id is over for JavaScript before the id means another connection.
void TestIds() {
  World world;
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const int first = world.shard.Adopt(ends[0]);
  world.shard.Destroy(first);
  world.shard.Destroy(first);
  CHECK(world.shard.Adopt(ends[0]) != first);
  double events[8];
  CHECK(world.shard.TakeEvents(events, 2) == 1 && events[0] == kEventClosed);
  CHECK(world.shard.Adopt(ends[0]) != first);
  CHECK(world.shard.TakeEvents(events, 2) == 0);
  CHECK(world.shard.Adopt(ends[0]) == first);
  CHECK(world.shard.Adopt(-1) == -EBADF);
  close(ends[0]);
  close(ends[1]);
}

int ConnectTo(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  CHECK(fd >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 || errno == EINPROGRESS);
  return fd;
}

void TestAcceptWithoutDescriptors() {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    World world;
    int port = 0;
    CHECK(world.shard.Listen("127.0.0.1", 0, 64, false, 100, &port) >= 0);
    const int client = ConnectTo(port);
    world.accept_error = error;
    for (int i = 0; i < 5; i++) world.Poll();
    CHECK(world.shard.counters.accept_pauses == 1);  // and does not spin
    world.accept_error = 0;
    world.Poll();
    CHECK(world.accepted.empty());
    world.Sweep();
    world.Poll();
    CHECK(world.accepted.size() == 1 && world.shard.counters.accepted == 1);
    close(client);
  }
}

// Descriptors stay for files and the API; accept goes on by itself when there are some again.
void TestReservedDescriptors() {
  rlimit before{};
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit few = before;
  few.rlim_cur = 256;
  CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
  {
    World world;
    world.shard.SetDescriptorLimit(256);
    int port = 0;
    CHECK(world.shard.Listen("127.0.0.1", 0, 256, false, 1000, &port) >= 0);
    std::vector<int> clients;
    for (int i = 0; i < 110; i++) clients.push_back(ConnectTo(port));
    const auto settle = [&] {
      for (int i = 0; i < 8; i++) world.Poll();
    };
    settle();
    const size_t accepted = world.accepted.size();
    CHECK(accepted > 50 && accepted < 110 && world.shard.counters.accept_pauses == 1);
    size_t inherited = 0;  // whoever started this may have left some open up there
    for (int fd = 256 - 64; fd < 256; fd++) inherited += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    std::vector<int> reserve;
    for (int fd = dup(0); fd >= 0; fd = dup(0)) reserve.push_back(fd);
    CHECK(reserve.size() + inherited == 64);
    for (const int fd : reserve) close(fd);
    world.Sweep();
    settle();
    CHECK(world.accepted.size() <= accepted + 1);
    for (int i = 0; i < 60; i++) world.shard.Destroy(world.accepted[static_cast<size_t>(i)]);
    world.TakeEvents();
    world.Sweep();
    settle();
    CHECK(world.accepted.size() == 110);
    for (const int fd : clients) close(fd);
  }
  CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

// Whoever has spoken when it is accepted is heard in the same turn, and has the options of its listener.
void TestAcceptAndHear() {
  World world;
  int port = 0;
  CHECK(world.shard.Listen("127.0.0.1", 0, 64, false, 100, &port) >= 0);
  const int talker = ConnectTo(port), silent = ConnectTo(port);
  CHECK(write(talker, "hello", 5) == 5);
  world.shard.Poll(world.now_ms);
  world.TakeEvents();
  CHECK(world.accepted.size() == 2 && world.heard.size() == 1 && world.heard.begin()->second == "hello");
  for (const int id : world.accepted) {
    int no_delay = 0, unsent = 0;
    socklen_t length = sizeof no_delay;
    CHECK(getsockopt(world.shard.Find(id)->fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &length) == 0 && no_delay != 0);
    CHECK(getsockopt(world.shard.Find(id)->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, &length) == 0 && unsent == 512 * 1024);
  }
  CHECK(write(silent, "me, too", 7) == 7);
  world.Poll();
  CHECK(world.heard.size() == 2);
  close(talker);
  close(silent);
}

void TestListenerLimits() {
  World world;
  int port = 0;
  const int listener = world.shard.Listen("127.0.0.1", 0, 64, false, 2, &port);
  std::vector<int> clients;
  for (int i = 0; i < 3; i++) clients.push_back(ConnectTo(port));
  world.Poll();
  CHECK(world.accepted.size() == 2 && world.shard.DroppedCount(listener) == 1);
  // Its connections outlive it, and are counted to the end.
  world.shard.CloseListener(listener);
  world.shard.CloseListener(listener);
  world.Sweep();
  for (const int id : world.accepted) world.shard.Destroy(id);
  world.TakeEvents();
  CHECK(world.shard.counters.open == 0);
  CHECK(world.shard.Listen("127.0.0.1", port, 64, false, 2, &port) == listener + 1);
  int taken = 0;
  CHECK(world.shard.Listen("127.0.0.1", port, 64, false, 2, &taken) == -EADDRINUSE);
  CHECK(world.shard.Listen("nobody", 1, 64, false, 2, &taken) == -EINVAL);
  for (const int fd : clients) close(fd);
}

void Swallow(const Peer& peer) {
  char filling[65536];
  while (read(peer.far_end, filling, sizeof filling) > 0) continue;
}

// A peer that takes its time, one that refuses after a while, and one that can't even be asked.
void TestConnecting() {
  World world;
  Peer& slow = world.ConnectOut();
  for (int i = 0; i < 3; i++) {
    world.Send(slow, std::to_string(i));
    world.Poll();
    world.now_ms += 60000;
    world.Sweep();
    CHECK(!slow.is_connected && !slow.is_closed && slow.call_count == 0);
  }
  CHECK(world.shard.counters.open == 1 && world.shard.counters.accepted == 0);
  Swallow(slow);
  slow.answers = {2};
  world.Poll();
  CHECK(slow.is_connected && slow.received == "01");
  world.Wake(slow);
  CHECK(slow.received == "012" && !slow.is_closed);

  for (const int error : {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH}) {
    Peer& refused = world.ConnectOut();
    world.Send(refused, "never sent");
    world.option_error = error;
    Swallow(refused);
    world.Poll();
    world.option_error = 0;
    CHECK(refused.is_closed && refused.close_error == error && !refused.is_connected && refused.call_count == 0);
    Peer& impossible = world.ConnectOut(error);
    CHECK(!impossible.is_closed);  // JavaScript knows the id first
    world.Send(impossible, "never sent");
    world.TakeEvents();
    CHECK(impossible.is_closed && impossible.close_error == error && impossible.call_count == 0);
  }
  CHECK(world.shard.counters.socket_errors == 6 && world.shard.counters.open == 1);

  // Given up before there was an answer: at once, or when it has taken too long to end in order.
  Peer& destroyed = world.ConnectOut();
  world.shard.Destroy(destroyed.id);
  world.TakeEvents();
  CHECK(destroyed.is_closed && destroyed.close_error == 0);
  Peer& ended = world.ConnectOut();
  world.Send(ended, "bye");
  world.shard.End(ended.id, world.now_ms);
  world.Sweep();
  CHECK(!ended.is_closed);
  world.now_ms += 2100;
  world.Sweep();
  CHECK(ended.is_closed && !ended.is_connected && ended.received.empty());
  Peer& late = world.ConnectOut();
  world.Send(late, "bye");
  world.shard.End(late.id, world.now_ms);
  Swallow(late);
  world.Poll();
  CHECK(late.is_connected && late.received == "bye" && !late.is_closed);
}

void TestAddressesToConnectTo() {
  World world;
  const double no_address[4] = {kEventClosed, 0, EINVAL, 0};
  double events[8];
  CHECK(world.shard.Connect("nobody", 1, "") == 0 && world.shard.TakeEvents(events, 2) == 1);
  CHECK(std::equal(events, events + 4, no_address));
  CHECK(world.shard.Connect("127.0.0.1", 1, "nobody") == 1 && world.shard.TakeEvents(events, 2) == 1);
  CHECK(events[2] == EINVAL);
  CHECK(world.shard.Connect("127.0.0.1", 1, "192.0.2.7") == 0 && world.shard.TakeEvents(events, 2) == 1);
  CHECK(events[2] == EADDRNOTAVAIL);
  world.shard.SetDescriptorLimit(8);  // all but a few are in use, as it looks
  CHECK(world.shard.Connect("127.0.0.1", 1, "") == 1 && world.shard.TakeEvents(events, 2) == 1);
  CHECK(events[2] == EMFILE);
}

// One connection's bytes, taken apart: whole entries and control bytes in order, from a random access point on.
struct Verdict {
  int64_t last_entry = -1;
  int gap_count = 0;
  int control_count = 0;
  bool is_cut = false;  // ends inside of something
};

Verdict TakeApart(const std::string& bytes, const History& history) {
  Verdict verdict;
  for (size_t at = 0; at < bytes.size();) {
    if (bytes[at] == '<') {
      const std::string wanted = "<" + std::to_string(verdict.control_count) + ">";
      const size_t length = std::min(wanted.size(), bytes.size() - at);
      CHECK(bytes.compare(at, length, wanted, 0, length) == 0);
      verdict.is_cut = length < wanted.size();
      verdict.control_count++;
      at += length;
      continue;
    }
    CHECK(bytes[at] == '[');
    // Which entry it is: what follows the last one, or, after a jump, what it says.
    int64_t entry = verdict.last_entry + 1;
    const auto fits = [&](int64_t candidate) {
      if (candidate >= static_cast<int64_t>(history.entries.size())) return false;
      const std::string& text = history.entries[static_cast<size_t>(candidate)];
      const size_t length = std::min(text.size(), bytes.size() - at);
      return bytes.compare(at, length, text, 0, length) == 0;
    };
    const auto is_preamble = [&](int64_t candidate) {
      return candidate < static_cast<int64_t>(history.entries.size()) && history.is_preamble[static_cast<size_t>(candidate)];
    };
    while (verdict.last_entry >= 0 && !fits(entry) && is_preamble(entry)) entry++;
    if (verdict.last_entry < 0 || !fits(entry)) {
      entry = std::atoll(bytes.c_str() + at + 2);
      if (bytes.find(':', at) == std::string::npos) {  // cut inside of its number
        verdict.is_cut = true;
        verdict.gap_count += verdict.last_entry >= 0 ? 1 : 0;
        return verdict;
      }
      CHECK(fits(entry) && history.is_start[static_cast<size_t>(entry)]);
      if (verdict.last_entry >= 0) verdict.gap_count++;
    } else if (is_preamble(entry) && bytes.find(':', at) != std::string::npos) {
      verdict.gap_count++;  // it started here: a jump to the very next entry
    }
    const size_t length = std::min(history.entries[static_cast<size_t>(entry)].size(), bytes.size() - at);
    verdict.is_cut = length < history.entries[static_cast<size_t>(entry)].size();
    verdict.last_entry = entry;
    at += length;
  }
  return verdict;
}

void TestAtRandom(uint64_t seed) {
  SeededNumbers numbers(seed);
  World world;
  world.limits = {static_cast<double>(5 + numbers.Below(500)), 1e12, 60000, 300000};
  History history(4096, 16 << numbers.Below(3));
  int log = world.OpenLog(history.log);
  struct Player {
    Peer* peer;
    int restarts = 0;
    int controls = 0;
    bool is_paused = false;
    bool is_playing = true;
  };
  std::vector<Player> players;
  int growths = 0;
  const auto behave = [&](size_t offered) -> Answer {
    switch (numbers.Below(6)) {
      case 0: return -EAGAIN;
      case 1: return -EINTR;
      case 2: return static_cast<Answer>(1 + numbers.Below(offered));
      case 3: return numbers.OneIn(20) ? -ENOBUFS : kEverything;
      default: return kEverything;
    }
  };
  const auto check_and_forget = [&](size_t at) {
    const Player& player = players[at];
    const Verdict verdict = TakeApart(player.peer->received, history);
    CHECK(verdict.gap_count <= player.peer->lag_count + player.restarts);
    world.Forget(player.peer->id);
    players.erase(players.begin() + static_cast<std::ptrdiff_t>(at));
  };
  for (int step = 0; step < 600; step++) {
    for (size_t i = players.size(); i-- > 0;) {
      if (players[i].peer->is_closed) check_and_forget(i);
    }
    const size_t pick = players.empty() ? 0 : numbers.Below(players.size());
    Player* player = players.empty() ? nullptr : &players[pick];
    switch (numbers.Below(13)) {
      case 0:
        if (players.size() >= 6) break;
        players.push_back({&world.Connect()});
        players.back().peer->behave = behave;
        world.Play(*players.back().peer, log, history.log);
        break;
      case 1:
      case 2:
      case 3:
        for (uint64_t i = numbers.Below(numbers.OneIn(8) ? 40 : 4); i-- > 0;) {
          const uint64_t kind = numbers.Below(12);
          if (kind == 0) history.Append('P', numbers.Below(20));
          history.Append(kind <= 1 ? 'K' : '-', numbers.Below(numbers.OneIn(10) ? 1500 : 200));
        }
        break;
      case 4:
      case 5:
        world.Flush(log);
        break;
      case 6:
      case 7:
        if (player != nullptr) world.Wake(*player->peer);
        break;
      case 8:
        if (player != nullptr) world.Send(*player->peer, "<" + std::to_string(player->controls++) + ">");
        break;
      case 9:
        if (player == nullptr || !player->is_playing) break;
        player->is_paused = !player->is_paused;
        player->restarts++;
        world.shard.Pause(player->peer->id, player->is_paused, world.now_ms);
        world.TakeEvents();
        break;
      case 10:
        if (player == nullptr) break;
        player->restarts++;
        player->is_paused = false;
        if (numbers.OneIn(2)) world.shard.StopPlaying(player->peer->id);
        world.TakeEvents();
        if (!player->peer->is_closed) world.Play(*player->peer, log, history.log);
        world.TakeEvents();
        break;
      case 11:
        world.now_ms += static_cast<double>(numbers.Below(2000));
        world.Sweep();
        break;
      default:
        if (numbers.OneIn(3) && player != nullptr) {
          world.shard.Destroy(player->peer->id);
          world.TakeEvents();
        } else if (numbers.OneIn(20) && growths++ < 2) {
          history.log.Grow(history.log.capacity() * 2, history.log.entry_capacity() * (numbers.OneIn(2) ? 2 : 1));
          world.shard.AttachLog(log, history.log.base(), history.log.capacity(), history.log.entry_capacity());
        }
    }
    CHECK(world.cursor_count() == world.shard.CursorCount(log));
    const auto open = std::count_if(players.begin(), players.end(), [](const Player& each) { return !each.peer->is_closed; });
    CHECK(world.shard.counters.open == static_cast<double>(open));
    double queued = 0;
    for (const Player& each : players) {
      const Connection* c = world.shard.Find(each.peer->id);
      if (c->queue != nullptr) queued += static_cast<double>(c->queue->size());
      CHECK(c->queue == nullptr || c->queue->size() > 0);
    }
    CHECK(world.shard.counters.queued_bytes == queued);
  }
  // Everybody takes everything now: whoever is still there has the newest entry, and all control bytes.
  for (Player& player : players) {
    player.peer->behave = nullptr;
    if (player.is_paused) world.shard.Pause(player.peer->id, false, world.now_ms);
  }
  history.Append('K', 5);
  world.Sweep();
  world.Flush(log);
  for (Player& player : players) world.Wake(*player.peer);
  for (size_t i = players.size(); i-- > 0;) {
    if (!players[i].peer->is_closed) {
      const Verdict verdict = TakeApart(players[i].peer->received, history);
      CHECK(!verdict.is_cut && verdict.last_entry == history.log.entry_tail() - 1 && verdict.control_count == players[i].controls);
    }
    check_and_forget(i);
  }
}

}  // namespace

}  // namespace millrace

int main(int argc, char** argv) {
  using namespace millrace;
  const uint64_t rounds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
  TestEveryShortWrite();
  TestErrorsOfSend();
  TestInterruptedCallsAreMadeAgain();
  TestShortageOfKernelMemory();
  TestRescue();
  TestOverwrittenInTheMiddle();
  TestLappedBetweenEntries();
  TestFlushInParts();
  TestEvictions();
  TestStalls();
  TestStopAndPlayAnother();
  TestLongJoinOfAFinishedPlay();
  TestPause();
  TestReplaceLog();
  TestReplaceLogByAnEmptyOne();
  TestTake();
  TestPacedConnections();
  TestDoorbell();
  TestControlBytes();
  TestControlBytesOfATurn();
  TestEnds();
  TestIds();
  TestAcceptWithoutDescriptors();
  TestReservedDescriptors();
  TestAcceptAndHear();
  TestListenerLimits();
  TestConnecting();
  TestAddressesToConnectTo();
  for (uint64_t seed = 1; seed <= rounds; seed++) TestAtRandom(seed);
  std::printf("shard: every test, and %" PRIu64 " random ones\n", rounds);
}
